// shard: the start, from a snapshot of the head and the log behind it, or from all of the log.
#include "storage/base/log.h"
#include "storage/head/shard.h"

namespace troupe::storage {
namespace {

constexpr logger log("head");
/// Bytes of log or snapshot per replay step: appends wait for one.
constexpr size_t replay_step_bytes = 1 << 20;

}  // namespace

// Applies what the log gives back.
class shard::replay_sink final : public wal_sink {
 public:
  explicit replay_sink(shard& owner) : owner_(owner) {}

  /// The series of the reader's numbers from `first` on, null where they are not in the head.
  void know(uint32_t first, std::span<head_series* const> series) {
    refs_.resize(first);
    refs_.insert(refs_.end(), series.begin(), series.end());
  }

  status apply(const wal_batch& batch) override {
    head_tenant& tenant = owner_.head_.tenant(batch.tenant);
    refs_.resize(batch.dictionary->size());
    const auto counts = owner_.head_.apply(tenant,
                                           {.floats = batch.floats,
                                            .starts = batch.starts,
                                            .histograms = batch.histograms,
                                            .exemplars = batch.exemplars,
                                            .metadata = batch.metadata},
                                           refs_, [&](uint32_t id) {
                                             const wal_series& s = batch.series(id);
                                             return owner_.head_.find_or_create(tenant, s.lset);
                                           });
    for (const auto& t : batch.tombstones)
      owner_.head_.erase(batch.tenant, t.series, t.mint, t.maxt);
    if (batch.epoch == owner_.dir_.epoch())
      owner_.add(counts);
    return {};
  }

 private:
  shard& owner_;
  std::vector<head_series*> refs_;  // by the reader's number
};

shard::shard(wal_directory& dir, uint32_t number, shard_limits& limits, const clock& clk,
             const chunk_folder& chunk_files)
    : dir_(dir),
      number_(number),
      limits_(limits),
      clock_(clk),
      head_({limits.min_block_ms, limits.max_exemplars, limits.head_region_bytes,
             &limits.node_series, this}),
      chunk_files_(chunk_files) {}

shard::~shard() = default;

result<std::unique_ptr<shard>> shard::open(wal_directory& dir, uint32_t number,
                                           shard_limits& limits, const clock& clk,
                                           const chunk_folder& chunk_files) {
  std::unique_ptr<shard> out(new shard(dir, number, limits, clk, chunk_files));
  if (!out->find_snapshot()) {
    out->drop_old_files();
    TROUPE_ASSIGN(out->reader_, wal_reader::open_replay(dir, number));
  }
  TROUPE_ASSIGN(out->wal_, wal_writer::open(dir, number));
  out->restart_sink();
  return out;
}

void shard::restart_sink() {
  sink_ = std::make_unique<replay_sink>(*this);
}

void shard::drop_old_files() {
  status s = chunk_files_.clear();
  if (s.ok() && chunk_files_.files().exists(chunk_files_.snapshot_path()))
    s = chunk_files_.files().remove_file(chunk_files_.snapshot_path());
  if (!s.ok())
    log.warn("shard {}: old files of closed chunks stay: {}", number_, s.message());
}

// Looks whether there is a snapshot from which the log goes on; opens the log there.
bool shard::find_snapshot() {
  auto first = snapshot_reader::first(chunk_files_.files(), chunk_files_.snapshot_path());
  if (first.code() == errc::not_found)
    return false;
  snapshot_header header;
  status why = first.ok() ? status() : first.error();
  if (why.ok() &&
      (!read_snapshot_header(*first, header) || header.shard != number_ ||
       header.shards != dir_.settings().shards || header.range_ms != limits_.min_block_ms))
    why = {errc::not_found, "it is of another shard, version or block range"};
  if (why.ok()) {
    auto reader = wal_reader::open_replay_from(dir_, number_, header.from);
    if (reader.ok()) {
      reader_ = std::move(*reader);
      found_ = std::move(*first);
      return true;
    }
    why = reader.error();
  }
  log.warn("shard {}: the snapshot of the head is not used: {}", number_, why.message());
  return false;
}

// Checks the snapshot and the files of chunks that it names, before anything of them is used.
status shard::check_snapshot() {
  std::set<uint64_t> named;
  const auto checked = [&]() -> result<saved_chunks> {
    TROUPE_ASSIGN(snapshot_,
                  snapshot_reader::open(chunk_files_.files(), chunk_files_.snapshot_path()));
    snapshot_frame kind;
    std::string_view content;
    saved_chunks chunks;
    if (!snapshot_->next(kind, content) || content != found_)
      return {errc::corruption, "it is another one than it was"};
    while (snapshot_->next(kind, content))
      if (kind == snapshot_frame::chunks && !read_saved_chunks(content, chunks))
        return {errc::corruption, "malformed"};
    for (auto& r : chunks.regions)
      if (r.in_file) {
        TROUPE_ASSIGN(r.file, chunk_files_.open(r.begin, r.used, r.checksum));
        named.insert(r.begin);
      }
    snapshot_->rewind();
    return chunks;
  };
  auto chunks = checked();
  found_.clear();
  if (!chunks.ok())
    return forget_snapshot(chunks.error());
  if (const status s = chunk_files_.clear(named); !s.ok())
    log.warn("shard {}: old files of closed chunks stay: {}", number_, s.message());
  has_snapshot_ = true;
  synced_until_ = named.empty() ? 0 : *named.rbegin() + 1;
  snapshot_bytes_ = snapshot_->bytes();
  const std::lock_guard guard(mutex_);
  loader_ = std::make_unique<head_loader>(
      head_, [this](const wal_references& group, std::span<head_series* const> series) {
        sink_->know(reader_->restore(group), series);
      });
  loader_->restore(std::move(*chunks));
  return {};
}

// All of the log is read. What was restored already may stay: reading it again changes nothing.
status shard::forget_snapshot(const status& why) {
  log.warn("shard {}: the snapshot of the head is not used, the log is: {}", number_,
           why.message());
  snapshot_.reset();
  loader_.reset();
  if (!has_snapshot_)
    drop_old_files();
  restart_sink();
  TROUPE_ASSIGN(reader_, wal_reader::open_replay(dir_, number_));
  return {};
}

// A part of the snapshot; true when it is through.
result<bool> shard::load_some() {
  snapshot_frame kind;
  std::string_view content;
  for (size_t done = 0; done < replay_step_bytes; done += content.size()) {
    if (!snapshot_->next(kind, content)) {
      loader_.reset();
      if (snapshot_->failed())
        TROUPE_TRY(forget_snapshot({errc::io_error, "a page could not be read"}));
      snapshot_.reset();
      return true;
    }
    if (const status s = loader_->take(kind, content); !s.ok()) {
      TROUPE_TRY(forget_snapshot(s));
      return true;
    }
  }
  return false;
}

result<bool> shard::replay_step() {
  if (!found_.empty())
    TROUPE_TRY(check_snapshot());
  TROUPE_ASSIGN(const bool done, replay_some());
  // Replay needs no more memory than running did.
  while (write_out_chunks()) {
  }
  return done;
}

result<bool> shard::replay_some() {
  const std::lock_guard guard(mutex_);
  TROUPE_TRY(usable());
  if (replayed())
    return true;
  if (loader_) {
    TROUPE_TRY(load_some().error());
    return false;
  }
  // The reader sees what is on the disk: batches committed meanwhile must be among that.
  if (const status s = wal_->sync(); !s.ok())
    return log_failed(s);
  TROUPE_ASSIGN(const bool done, reader_->step(*sink_, replay_step_bytes));
  progress_ = reader_->current();
  if (!done)
    return false;
  // Caught up with what is committed; what is only appended is in pending_ and will be applied by
  // its commit.
  report_ = reader_->report();
  replayed_bytes_ = progress_.bytes_done;
  reader_.reset();
  sink_.reset();
  replayed_newest_ = head_.max_ts();
  replayed_at_ms_ = clock_.now_ms();
  replayed_.store(true, std::memory_order_release);
  if (!report_.clean())
    log.warn(
        "shard {}: the log was damaged: {} samples known to be lost, {} frames missing, {} damages",
        number_, report_.samples_lost, report_.frames_missing, report_.damages.size());
  return true;
}

}  // namespace troupe::storage
