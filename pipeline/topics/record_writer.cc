#include "pipeline/topics/record_writer.h"

#include "pipeline/topics/record_packing.h"
#include "storage/base/check.h"
#include "storage/wal/frame_encoder.h"

#include <utility>

namespace troupe::topics {
namespace {

// Of a record, what its header never takes up.
constexpr size_t max_frames_bytes = max_record_bytes - (64u << 10);

}  // namespace

struct record_writer::impl {
  explicit impl(const place& to) : at(to) { start(); }

  void start() {
    storage::frame_encoder::settings s;
    s.epoch = at.session;
    s.salt = segment_salt(header());
    s.shard = at.partition;
    s.shards = at.partitions;
    s.compression = false;  // the record is packed as a whole
    s.decimal_steps = true;
    encoder = std::make_unique<storage::frame_encoder>(s);
  }
  record_header header() const {
    record_header out;
    out.node = at.node;
    out.session = at.session;
    out.segment = segment;
    out.index = index;
    return out;
  }

  const place at;
  uint32_t segment = 0, index = 0;
  std::unique_ptr<storage::frame_encoder> encoder;  ///< of the segment
  storage::encoded_frames pending;
  frame_packer packer;
  std::string packed;
  uint64_t samples = 0, segment_bytes = 0;
};

record_writer::record_writer(const place& at) : impl_(std::make_unique<impl>(at)) {}

record_writer::~record_writer() = default;

status record_writer::add(const write_batch& batch) {
  if (!batch.source_position.empty()) {  // of the log it comes from
    write_batch without = batch;
    without.source_position.clear();
    return add(without);
  }
  storage::encoded_frames& out = impl_->pending;
  const size_t before = out.frames.size();
  TROUPE_TRY(impl_->encoder->append(batch, {}, out));
  out.dictionary.clear();
  if (out.frames.size() > max_frames_bytes) {
    impl_->encoder->rollback();
    out.frames.resize(before);
    return {before == 0 ? errc::invalid_argument : errc::resource_exhausted,
            "the record would become longer than 64 MiB"};
  }
  impl_->encoder->commit();
  impl_->samples += batch.sample_count();
  return {};
}

size_t record_writer::bytes() const {
  return impl_->pending.frames.size();
}

uint64_t record_writer::samples() const {
  return impl_->samples;
}

void record_writer::begin_segment() {
  TROUPE_CHECK(impl_->pending.frames.empty());
  if (at_segment_start())
    return;
  ++impl_->segment;
  impl_->index = 0;
  impl_->segment_bytes = 0;
  impl_->start();
}

bool record_writer::at_segment_start() const {
  return impl_->index == 0;
}

uint64_t record_writer::segment_bytes() const {
  return impl_->segment_bytes;
}

std::string record_writer::take(int64_t key_offset, timestamp_ms as_of) {
  record_header header = impl_->header();
  header.key_offset = header.index == 0 ? -1 : key_offset;
  header.as_of = as_of;
  header.samples = std::exchange(impl_->samples, 0);
  const frame_packing packing = impl_->packer.pack(impl_->pending.frames, impl_->packed);
  std::string out = make_record(header, impl_->packed, packing);
  impl_->pending.clear();
  ++impl_->index;
  impl_->segment_bytes += out.size();
  return out;
}

uint64_t record_writer::memory_bytes() const {
  return impl_->encoder->memory_bytes() + impl_->pending.frames.capacity() +
         impl_->packed.capacity() + impl_->packer.memory_bytes();
}

}  // namespace troupe::topics
