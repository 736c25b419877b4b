// shard: snapshots of the head, written while the writer goes on (storage/docs/head_snapshot.md).
#include "storage/base/log.h"
#include "storage/head/shard.h"

namespace troupe::storage {
namespace {

constexpr logger log("head");
/// Series and references per hold of the writer lock.
constexpr size_t series_slice = 512;
constexpr size_t reference_slice = 2048;

}  // namespace

shard::start_cost shard::cost_of_start() const {
  const std::lock_guard guard(mutex_);
  return {replayed_bytes_ + wal_->committed_bytes() - snapshot_at_, snapshot_bytes_};
}

status shard::take_snapshot() {
  while (write_out_chunks()) {
  }
  const status written = write_snapshot();
  if (written.code() == errc::unavailable)
    return written;
  has_snapshot_ = written.ok();
  if (!written.ok()) {
    log.warn("shard {}: no snapshot of the head: {}", number_, written.message());
    // An older one names files that go now.
    const std::string path = chunk_files_.snapshot_path();
    if (chunk_files_.files().exists(path))
      chunk_files_.files().remove_file(path).ignore();
  }
  remove_given_up();
  return written;
}

status shard::write_snapshot() {
  snapshot_header header;
  header.shard = number_;
  header.shards = dir_.settings().shards;
  header.range_ms = limits_.min_block_ms;
  std::vector<wal_references> groups;
  uint64_t log_bytes = 0;
  {
    const std::lock_guard guard(mutex_);
    if (!replayed())
      return {errc::unavailable, "replay is still running"};
    TROUPE_TRY(cut_locked());
    header.from = wal_->resume_point();
    header.oldest = head_.min_ts();
    header.newest = head_.max_ts();
    groups = wal_->references();
    log_bytes = wal_->committed_bytes();
  }
  TROUPE_ASSIGN(auto file,
                snapshot_writer::create(chunk_files_.files(), chunk_files_.snapshot_path()));
  std::string content;
  put_snapshot_header(header, content);
  TROUPE_TRY(file->put(snapshot_frame::header, content));
  head_saver saver(head_);
  TROUPE_TRY(put_series(*file, saver));
  TROUPE_TRY(put_references(*file, saver, groups));
  for (const auto& [kind, bytes] : saver.others())
    TROUPE_TRY(file->put(kind, bytes));
  TROUPE_TRY(put_chunks(*file));
  snapshot_bytes_ = file->bytes();
  TROUPE_TRY(file->finish());
  const std::lock_guard guard(mutex_);
  snapshot_at_ = log_bytes;
  replayed_bytes_ = 0;
  return {};
}

status shard::put_series(snapshot_writer& file, head_saver& saver) {
  std::string content;
  const auto more = [&] {
    content.clear();
    const std::lock_guard guard(mutex_);
    return saver.next_series(series_slice, content);
  };
  while (more())
    TROUPE_TRY(file.put(snapshot_frame::series, content));
  return {};
}

status shard::put_references(snapshot_writer& file, head_saver& saver,
                             const std::vector<wal_references>& groups) {
  std::string content;
  for (const auto& group : groups) {
    content.clear();
    saver.begin_references(group, content);
    for (size_t i = 0; i < group.series.size(); i += reference_slice) {
      const std::lock_guard guard(mutex_);
      saver.references(group, i, reference_slice, content);
    }
    TROUPE_TRY(file.put(snapshot_frame::references, content));
  }
  return {};
}

// Last of all, so that every position that the series have lies in them.
status shard::put_chunks(snapshot_writer& file) {
  saved_chunks chunks;
  {
    const std::lock_guard guard(mutex_);
    chunks = head_.chunks().save();
  }
  for (const auto& r : chunks.regions)
    if (r.in_file && r.begin >= synced_until_) {
      TROUPE_TRY(chunk_files_.sync(r.begin));
      synced_until_ = r.begin + 1;
    }
  std::string content;
  put_saved_chunks(chunks, content);
  return file.put(snapshot_frame::chunks, content);
}

}  // namespace troupe::storage
