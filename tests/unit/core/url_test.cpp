// URLs: the grammar of RFC 3986 by example, good and bad, and the coding of parts.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <abi/core/url.hpp>

using namespace abikit;

TEST_SUITE("core/url") {
    TEST_CASE("all parts at once") {
        const auto url = parse_url("HTTPS://user:pa%20ss@Example.COM:8443/a/b;c?x=1&y=/?#frag/?");
        REQUIRE(url);
        CHECK(url->scheme == "https");
        CHECK(url->userinfo == "user:pa%20ss");
        CHECK(url->host_kind == HostKind::kName);
        CHECK(url->host == "example.com");
        CHECK(url->port == 8443);
        CHECK(url->path == "/a/b;c");
        CHECK(url->query == "x=1&y=/?");
        CHECK(url->fragment == "frag/?");
        CHECK(url->to_string() == "https://user:pa%20ss@example.com:8443/a/b;c?x=1&y=/?#frag/?");
        CHECK(url->redacted() == "https://***@example.com:8443/a/b;c?x=1&y=/?#frag/?");
    }

    TEST_CASE("the examples of the RFC") {
        for (const std::string text :
             {"ftp://ftp.is.co.za/rfc/rfc1808.txt", "http://www.ietf.org/rfc/rfc2396.txt",
              "ldap://[2001:db8::7]/c=GB?objectClass?one", "mailto:John.Doe@example.com",
              "news:comp.infosystems.www.servers.unix", "tel:+1-816-555-1212",
              "telnet://192.0.2.16:80/", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
              "foo://example.com:8042/over/there?name=ferret#nose"}) {
            const auto url = parse_url(text);
            REQUIRE_MESSAGE(url, text);
            CHECK(url->to_string() == text);
        }
    }

    TEST_CASE("absent and empty parts differ") {
        const Url bare = parse_url("a:b").value();
        CHECK(bare.host_kind == HostKind::kNone);
        CHECK_FALSE(bare.userinfo.has_value());
        CHECK_FALSE(bare.port.has_value());
        CHECK_FALSE(bare.query.has_value());
        CHECK_FALSE(bare.fragment.has_value());
        const Url empty = parse_url("file:///?#").value();
        CHECK(empty.host_kind == HostKind::kName);
        CHECK(empty.host.empty());
        CHECK(empty.path == "/");
        CHECK(empty.query == "");
        CHECK(empty.fragment == "");
        CHECK(empty.to_string() == "file:///?#");
        CHECK(parse_url("http://@h").value().userinfo == "");
        CHECK(parse_url("http://h:/").value().to_string() == "http://h/");
        CHECK(parse_url("x:").value().path.empty());
    }

    TEST_CASE("delimiters inside later parts are plain characters") {
        const Url url = parse_url("http://h/p@x:1?a@b:2/c?d#e?f@/").value();
        CHECK(url.host == "h");
        CHECK(url.path == "/p@x:1");
        CHECK(url.query == "a@b:2/c?d");
        CHECK(url.fragment == "e?f@/");
        CHECK(parse_url("http://h?q").value().query == "q");
        CHECK(parse_url("http://h#f/x").value().fragment == "f/x");
    }

    TEST_CASE("hosts") {
        CHECK(parse_url("http://127.0.0.1/").value().host_kind == HostKind::kIpv4);
        CHECK(parse_url("http://256.0.0.1/").value().host_kind == HostKind::kName);
        CHECK(parse_url("http://1.2.3/").value().host_kind == HostKind::kName);
        CHECK(parse_url("http://01.2.3.4/").value().host_kind == HostKind::kName);
        CHECK(parse_url("http://caf%c3%A9.example/").value().host == "caf%C3%A9.example");
        const Url v6 = parse_url("http://[2001:DB8::1]:80/").value();
        CHECK(v6.host_kind == HostKind::kIpv6);
        CHECK(v6.host == "2001:db8::1");
        CHECK(v6.port == 80);
        CHECK(v6.to_string() == "http://[2001:db8::1]:80/");
        const Url future = parse_url("http://[v1F.Ab:c]").value();
        CHECK(future.host_kind == HostKind::kIpFuture);
        CHECK(future.to_string() == "http://[v1f.ab:c]");
    }

    TEST_CASE("addresses in brackets") {
        for (const std::string good :
             {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
              "1:2:3::7:8", "::ffff:192.0.2.1", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:1.2.3.4",
              "1::1.2.3.4", "abcd:ef01:2345:6789:ABCD:EF01:2345:6789"}) {
            CHECK_MESSAGE(parse_url("x://[" + good + "]/").has_value(), good);
        }
        for (const std::string bad : {"",
                                      ":",
                                      ":::",
                                      "1",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1::2::3",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "12345::",
                                      "g::",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "::1.2.3",
                                      "::1.2.3.256",
                                      "1.2.3.4",
                                      "1.2.3.4::",
                                      ":1::",
                                      "::1:",
                                      "fe80::1%25eth0",
                                      "v.x",
                                      "v1.",
                                      "vg.x",
                                      "v1.[",
                                      " ::1"}) {
            CHECK_MESSAGE(!parse_url("x://[" + bad + "]/").has_value(), bad);
        }
    }

    TEST_CASE("malformed urls name what is wrong and where") {
        struct Row {
            std::string text;
            std::string message;
        };
        for (const Row& row : {
                 Row{"", "no scheme at offset 0"},
                 Row{"/a/b", "no scheme at offset 0"},
                 Row{"//host/a", "no scheme at offset 0"},
                 Row{"1a:b", "no scheme at offset 0"},
                 Row{":b", "no scheme at offset 0"},
                 Row{"a_b:c", "no scheme at offset 0"},
                 Row{"http", "no scheme at offset 0"},
                 Row{"a:b c", "unexpected character in the path at offset 3"},
                 Row{"a:b\xC3\xA9", "unexpected character in the path at offset 3"},
                 Row{"http://h/a[b]", "unexpected character in the path at offset 10"},
                 Row{"http://h/%2", "'%' without two hexadecimal digits in the path at offset 9"},
                 Row{"http://h/%2?0", "'%' without two hexadecimal digits in the path at offset 9"},
                 Row{"http://h/%zz", "'%' without two hexadecimal digits in the path at offset 9"},
                 Row{"http://h?a^b", "unexpected character in the query at offset 10"},
                 Row{"http://h?a#b#c", "unexpected character in the fragment at offset 12"},
                 Row{"http://u@v@h/", "unexpected character in the user information at offset 8"},
                 Row{"http://h%4:1/", "'%' without two hexadecimal digits in the host at offset 8"},
                 Row{"http://a b/", "unexpected character in the host at offset 8"},
                 Row{"http://[::1/", "'[' without ']' at offset 7"},
                 Row{"http://[::1]x/", "unexpected character after ']' at offset 12"},
                 Row{"http://[::g]/", "malformed address in brackets at offset 8"},
                 Row{"http://h:8x/", "the port is not a number at offset 10"},
                 Row{"http://h:1:2/", "the port is not a number at offset 10"},
                 Row{"http://h:65536/", "the port is larger than 65535 at offset 9"},
                 Row{"http://h:99999999999999999999/", "the port is larger than 65535 at offset 9"},
             }) {
            const auto url = parse_url(row.text);
            REQUIRE_MESSAGE(!url, row.text);
            CHECK(url.error().code() == Code::kInvalidArgument);
            CHECK(url.error().message() == "malformed url: " + row.message);
        }
        CHECK(parse_url("http://h:65535/").value().port == 65535);
        CHECK(parse_url("http://h:0080/").value().port == 80);
        CHECK(parse_url("http://h:0/").value().port == 0);
    }

    TEST_CASE("errors never repeat a password") {
        const auto url = parse_url("http://user:secret word@h/");
        REQUIRE_FALSE(url);
        CHECK_FALSE(url.error().describe().contains("secret"));
    }

    TEST_CASE("the port that a scheme implies") {
        CHECK(parse_url("http://h").value().effective_port() == 80);
        CHECK(parse_url("WSS://h").value().effective_port() == 443);
        CHECK(parse_url("https://h:1").value().effective_port() == 1);
        CHECK_FALSE(parse_url("gopher://h").value().effective_port().has_value());
    }

    TEST_CASE("percent-coding") {
        CHECK(percent_encode("a b/c?\xC3\xA9~") == "a%20b%2Fc%3F%C3%A9~");
        CHECK(percent_encode("a b/c:d?", PercentSet::kPath) == "a%20b/c:d%3F");
        CHECK(percent_decode("a%20b%2fc+%C3%a9").value() == "a b/c+\xC3\xA9");
        CHECK(percent_decode("%00").value() == std::string(1, '\0'));
        std::string all;
        for (int c = 0; c < 256; ++c) {
            all += static_cast<char>(c);
        }
        CHECK(percent_decode(percent_encode(all)).value() == all);
        CHECK(percent_decode(percent_encode(all, PercentSet::kPath)).value() == all);
        for (const std::string bad : {"%", "a%2", "%g0", "%0g", "%%20"}) {
            const auto result = percent_decode(bad);
            REQUIRE_MESSAGE(!result, bad);
            CHECK(result.error().code() == Code::kInvalidArgument);
        }
        CHECK(percent_decode("ab%2").error().message().ends_with("offset 2"));
    }

    TEST_CASE("query parameters") {
        using Pairs = std::vector<QueryParameter>;
        CHECK(parse_query("").value().empty());
        CHECK(parse_query("a=1&b=two+words&c=%26%3D&a=2").value() ==
              Pairs{{"a", "1"}, {"b", "two words"}, {"c", "&="}, {"a", "2"}});
        CHECK(parse_query("&a&&b=&=c&d=e=f&").value() ==
              Pairs{{"a", ""}, {"b", ""}, {"", "c"}, {"d", "e=f"}});
        CHECK_FALSE(parse_query("a=%2"));
        CHECK_FALSE(parse_query("%=1"));
        const Pairs awkward = {{"a b", "c&d=e+f"}, {"", ""}, {"\xC3\xA9", "%"}};
        CHECK(build_query(awkward) == "a%20b=c%26d%3De%2Bf&=&%C3%A9=%25");
        CHECK(parse_query(build_query(awkward)).value() == awkward);
    }
}
