// The payload of a log record: what decodes has columns that fit together, and encodes to something
// that decodes to the same again.
#include "storage/batch_codec.hpp"
#include "storage/format.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

void same(const data::StringColumn& a, const data::StringColumn& b, std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
        require(a.has(i) == b.has(i) && a[i] == b[i]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::Aligned payload(fuzz::text_of(data, size));
    // As parts of a commit as well: whatever is handed out lies inside the payload.
    static_cast<void>(decode_parts(payload.bytes(), [&](std::uint32_t, std::string_view part) {
        require(part.data() >= payload.bytes().data() &&
                part.data() + part.size() <= payload.bytes().data() + payload.bytes().size());
        DecodedBatch ignored;
        static_cast<void>(decode_batch(part, ignored));
        return true;
    }));
    DecodedBatch batch;
    if (!decode_batch(payload.bytes(), batch)) {
        return 0;
    }
    require(batch.ids.size() == batch.rows);
    require(batch.vectors.size() == batch.rows * batch.shape.row_bytes());
    require(batch.texts.empty() || batch.texts.size() == batch.rows);
    require(batch.metadata.empty() || batch.metadata.size() == batch.rows);
    // Ids are never absent in what a commit wrote; as bytes they may be.
    for (std::size_t i = 0; i < batch.rows; ++i) {
        if (!batch.ids.has(i)) {
            return 0;
        }
    }
    const std::string head = encode_batch(batch.view());
    require(head.size() % 8 == 0);
    const fuzz::Aligned again(head + std::string(as_text(batch.vectors)));
    DecodedBatch copy;
    require(decode_batch(again.bytes(), copy));
    require(copy.rows == batch.rows && copy.shape == batch.shape);
    require(copy.next_ordinal == batch.next_ordinal);
    require(copy.deletes.size() == batch.deletes.size());
    same(copy.ids, batch.ids, batch.rows);
    same(copy.texts, batch.texts, batch.rows);
    same(copy.metadata, batch.metadata, batch.rows);
    same(copy.deletes, batch.deletes, batch.deletes.size());
    require(as_text(copy.vectors) == as_text(batch.vectors));
    return 0;
}
