"""The checks can fail: each is given something wrong and must say so, and something right and must not."""

import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import textwrap
import unittest

import check_caps
import check_links
import check_symbols
import check_words
import tree

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def load_layers():
    path = str(SOURCE / "scripts" / "check_layers")
    loader = importlib.machinery.SourceFileLoader("check_layers", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_layers", loader))
    loader.exec_module(module)
    return module


class Tree(unittest.TestCase):
    """A temporary source tree to put files in."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name).resolve()

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path


class CodeOnly(unittest.TestCase):
    def test_hides_comments_and_literals_but_keeps_lines(self):
        text = 'int a; // {\n/* { \n */ const char* s = "{\\"{"; char c = \'{\'; int n = 1\'000; R"x({)x";'
        code = tree.code_only(text)
        self.assertNotIn("{", code)
        self.assertIn("1'000", code)
        self.assertEqual(text.count("\n"), code.count("\n"))


class Layers(Tree):
    def violations(self, name, text):
        layers = load_layers()
        users = {}
        return list(layers.check_file(self.root, self.put(name, text), users))

    def test_downward_include_is_allowed(self):
        self.assertEqual(self.violations("src/storage/a.cpp", "#include <abi/core/error.hpp>\n"), [])

    def test_upward_include_is_refused(self):
        self.assertEqual(len(self.violations("src/core/a.cpp", "#include <abi/storage/database.hpp>\n")), 1)
        self.put("src/report/report.hpp", "")
        self.assertEqual(len(self.violations("src/data/a.cpp", '#include "report/report.hpp"\n')), 1)

    def test_packages_stay_in_their_rooms(self):
        for name, package in (("src/storage/a.cpp", "nlohmann/json.hpp"), ("src/core/a.cpp", "hwy/highway.h"),
                              ("include/abi/core/a.hpp", "fmt/format.h"), ("src/core/a.cpp", "unistd.h"),
                              ("src/data/a.cpp", "sys/stat.h"), ("src/cli/a.cpp", "doctest/doctest.h")):
            self.assertEqual(len(self.violations(name, f"#include <{package}>\n")), 1, (name, package))
        for name, package in (("src/data/a.cpp", "nlohmann/json.hpp"), ("src/simd/a.cpp", "hwy/highway.h"),
                              ("src/core/os_file.cpp", "unistd.h"), ("src/core/a.cpp", "fmt/format.h")):
            self.assertEqual(self.violations(name, f"#include <{package}>\n"), [], (name, package))

    def test_libraries_do_not_print(self):
        self.assertEqual(len(self.violations("src/storage/a.cpp", "void f() { std::printf(\"x\"); }\n")), 1)
        self.assertEqual(len(self.violations("src/core/a.cpp", "auto p = getenv(\"HOME\");\n")), 1)
        self.assertEqual(self.violations("src/core/a.cpp", "// std::printf(\"x\")\nint snprintf(int);\n"), [])

    def test_generated_header_counts_as_its_template(self):
        self.put("src/cli/build_info.h.in", "")
        self.assertEqual(self.violations("src/cli/commands/b.cpp", '#include "build_info.h"\n'), [])

    def test_unknown_room_and_unknown_file(self):
        self.assertEqual(len(self.violations("src/attic/a.cpp", "")), 1)
        self.assertEqual(len(self.violations("src/core/a.cpp", '#include "nowhere.hpp"\n')), 1)


class Caps(Tree):
    def found(self, text):
        return [(first, count) for first, count, _ in check_caps.functions(tree.code_only(text))]

    def test_finds_functions_in_namespaces_and_classes(self):
        self.assertEqual(self.found("namespace a {\nstruct S {\n  int f() const {\n    return 1;\n  }\n};\n}\n"), [(3, 3)])
        self.assertEqual(self.found("TEST_SUITE(\"x\") {\nTEST_CASE(\"y\") {\n  if (a) {\n  }\n}\n}\n"), [(2, 4)])

    def test_constructor_with_brace_initialisers(self):
        self.assertEqual(self.found("A::A(int b)\n    : b_{b},\n      c_{1} {\n  if (b) {\n  }\n}\n"), [(3, 4)])

    def test_tables_are_no_functions(self):
        self.assertEqual(self.found("const int kTable[] = {\n1,\n2,\n};\n"), [])

    def test_caps_bite(self):
        long_function = "int f() {\n" + "  g();\n" * 70 + "}\n"
        self.assertEqual(len(list(check_caps.check(self.root, self.put("src/a.cpp", long_function)))), 1)
        self.assertEqual(len(list(check_caps.check(self.root, self.put("src/b.cpp", "\n" * 601)))), 1)
        self.assertEqual(list(check_caps.check(self.root, self.put("src/c.cpp", "// table file\n" + "\n" * 601))), [])


class Words(Tree):
    def test_marks_and_paths_are_found(self):
        for text in ("// TO" + "DO: later", "is not imple" + "mented", "cd /ro" + "ot/x", "a simplified ver" + "sion"):
            self.assertEqual(len(list(check_words.check(self.root, self.put("docs/a.md", text)))), 1, text)
        self.assertEqual(list(check_words.check(self.root, self.put("docs/a.md", "src/wo" + "rk/x and a todo list"))), [])


class Links(Tree):
    def test_missing_file_and_missing_heading_are_found(self):
        self.put("docs/b.md", "# A heading, with `code`\n")
        good = "[x](b.md) [y](b.md#a-heading-with-code) [z](https://example.com/q) `[no](gone.md)`\n"
        self.assertEqual(list(check_links.check(self.root, self.put("docs/a.md", good))), [])
        self.assertEqual(len(list(check_links.check(self.root, self.put("docs/a.md", "[x](gone.md)\n")))), 1)
        self.assertEqual(len(list(check_links.check(self.root, self.put("docs/a.md", "[x](b.md#gone)\n")))), 1)


class Symbols(unittest.TestCase):
    def test_ours_and_strangers(self):
        for name in ("_ZN6abikit5Error4makeEv", "_ZNK6abikit5Error4codeEv", "_ZTVN6abikit4FileE", "abi_core_version",
                     "_ZThn16_N6abikit4FileD1Ev"):
            self.assertTrue(check_symbols.OURS.match(name), name)
        for name in ("_ZNSt6vectorIiSaIiEE17_M_realloc_insertEv", "_ZN3fmt2v96formatEv", "main"):
            self.assertFalse(check_symbols.OURS.match(name), name)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
