// import_files: tells what each input is, and sends its rows to the intake.
#include <abi/storage/import.hpp>

#include <fmt/format.h>

#include <abi/storage/archive.hpp>

#include "guard.hpp"
#include "importer.hpp"

namespace abikit::storage {

namespace {
class Import {
public:
    Import(const Context& context, Database& database, ByteSource* standard_input,
           const ImportOptions& options, ImportInfo& info)
        : context_(context),
          database_(database),
          standard_input_(standard_input),
          options_(options),
          info_(info),
          intake_(context, database, options, info),
          documents_(context, database, options, info, intake_) {}

    Status run(const std::vector<std::string>& inputs) {
        for (const std::string& input : inputs) {
            if (Status status = input == "-" ? import_stdin() : import_path(input); !status) {
                return describe(std::move(status).error());
            }
        }
        Status status = intake_.finish();
        if (status) {
            status = documents_.drop_stale();
        }
        return status ? Status() : describe(std::move(status).error());
    }

private:
    // A failure says what it left behind.
    Status describe(Error error) {
        if (info_.commits != 0 && error.code() != Code::kCancelled) {
            return fail(std::move(error).with_context(fmt::format(
                "import stopped after {} durable rows", info_.rows_added + info_.rows_replaced)));
        }
        return fail(std::move(error));
    }
    bool wants_text() const { return options_.from == "text" || options_.from == "markdown"; }

    // The record format of an input; false: it is a document.
    Result<bool> record_format(const std::string& path, data::Format& format) const {
        if (options_.from == "tsv") {
            format = data::Format::kCsv;
            return true;
        }
        if (!options_.from.empty()) {
            if (wants_text()) {
                return false;
            }
            ABI_TRY(format, data::parse_format(options_.from));
            return true;
        }
        return data::format_from_path(path, format);
    }

    Status check_embedder(const std::string& name) const {
        if (database_.embedder() != nullptr) {
            return {};
        }
        return fail(
            Code::kIncompatible,
            fmt::format("'{}' holds text, but database '{}' has no embedder", name,
                        database_.path()),
            "make one with 'abi db init PATH --embedder hash', or say what it is with --from");
    }

    Status import_stdin() {
        if (standard_input_ == nullptr || options_.from.empty()) {
            return fail(Code::kInvalidArgument,
                        "standard input has no extension that tells its format",
                        "say what it is with --from "
                        "npy|npz|fvecs|bvecs|fbin|u8bin|i8bin|csv|tsv|jsonl|text|"
                        "markdown");
        }
        if (options_.from == "wdbx") {
            return fail(Code::kInvalidArgument, "an archive cannot be read from standard input",
                        "give the file itself: it is checked before anything is written");
        }
        data::Format format{};
        ABI_TRY(const bool records, record_format({}, format));
        if (records) {
            return import_records(format, *standard_input_, "standard input", {});
        }
        ABI_CHECK(check_embedder("standard input"));
        return documents_.import_stream(*standard_input_);
    }

    Status import_path(const std::string& path) {
        ABI_TRY(const auto info, context_.fs->stat(path));
        if (!info) {
            return fail(Code::kInputMissing,
                        fmt::format("cannot read '{}': no such file or directory", path));
        }
        if (info->kind == FileKind::kDirectory) {
            if (!options_.from.empty() && !wants_text()) {
                return fail(
                    Code::kInvalidArgument,
                    fmt::format("'{}' is a directory: only documents are imported from one", path),
                    "name the data files themselves");
            }
            ABI_CHECK(check_embedder(path));
            return documents_.import_directory(path);
        }
        if (options_.from == "wdbx" || (options_.from.empty() && is_archive_path(path))) {
            ABI_CHECK(intake_.finish());
            return import_archive(context_, database_, path, options_, info_);
        }
        data::Format format{};
        ABI_TRY(const bool records, record_format(path, format));
        if (!records) {
            ABI_CHECK(check_embedder(path));
            intake_.set_unit("line");
            return documents_.import_file(path);
        }
        ABI_TRY(const auto source, context_.fs->open_source(path));
        return import_records(format, *source, path, path);
    }

    Status import_records(data::Format format, ByteSource& source, const std::string& name,
                          const std::string& path) {
        ABI_CHECK(intake_.flush());  // documents named before this input come before it
        data::ReaderOptions reading;
        reading.dimension = database_.dimension();
        reading.name = name;
        reading.id_column = options_.id_column;
        reading.text_column = options_.text_column;
        reading.vector_columns = options_.vector_columns;
        reading.separator = options_.from == "tsv" ? '\t' : data::separator_from_path(path);
        reading.pool = context_.pool;
        bool failed = false;
        reading.on_reject = [&](const data::Rejection& rejection) {
            ++info_.rows_read;
            Status status = intake_.reject(name, rejection.line, rejection.reason);
            failed = !status;
            return status;
        };
        const bool is_text = format == data::Format::kCsv || format == data::Format::kJsonl;
        intake_.set_unit(is_text ? "line" : "row");
        ABI_TRY(const auto reader, data::make_reader(format, source, reading));
        ++info_.files;
        if (context_.progress != nullptr) {
            context_.progress->begin("import", "B", source.size().value_or(0));
        }
        while (true) {
            data::RecordBatch batch;
            {
                const TraceSpan span(context_.trace, "data", "read");
                ABI_TRY(const bool more, reader->next(batch, options_.commit_every));
                if (!more) {
                    break;
                }
            }
            if (failed) {  // rows before the bad one: a commit is whole or not at all
                continue;  // the next call gives the error
            }
            ABI_CHECK(intake_.take(std::move(batch), name));
            if (context_.progress != nullptr) {
                context_.progress->update(reader->bytes_read());
            }
            ABI_CHECK(context_.cancel.check());
        }
        info_.bytes_read += reader->bytes_read();
        if (context_.progress != nullptr) {
            context_.progress->end();
        }
        return {};
    }

    const Context& context_;
    Database& database_;
    ByteSource* standard_input_;
    const ImportOptions& options_;
    ImportInfo& info_;
    RowIntake intake_;
    DocumentImporter documents_;
};
}  // namespace

Status import_files(const Context& context, Database& database,
                    const std::vector<std::string>& inputs, ByteSource* standard_input,
                    const ImportOptions& options, ImportInfo& info) {
    return guarded([&]() -> Status {
        const TraceSpan span(context.trace, "storage", "import");
        if (options.commit_every == 0) {
            return fail(Code::kInvalidArgument, "a commit needs at least one row");
        }
        return Import(context, database, standard_input, options, info).run(inputs);
    });
}

}  // namespace abikit::storage
