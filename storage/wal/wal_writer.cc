#include "storage/wal/wal_writer.h"

#include "storage/base/fault_twin.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"
#include "storage/wal/frame_encoder.h"
#include "storage/wal/wal_probe.h"

#include <algorithm>

namespace troupe::storage {
namespace {

const logger log_wal("wal");

constexpr size_t flush_bytes = 4u << 20;
/// Space of a segment is taken in steps of a quarter of what it has, within these bounds.
constexpr uint64_t smallest_reserve_step = 64u << 10, largest_reserve_step = 1u << 20;

}  // namespace

wal_writer::wal_writer(wal_directory& dir, uint32_t shard)
    : dir_(dir),
      fs_(*dir.settings().fs),
      shard_(shard),
      probe_(std::make_unique<wal_probe>(dir.settings().metrics)),
      pending_(std::make_unique<encoded_frames>()) {
  const wal_settings& s = dir.settings();
  std::string identity = std::to_string(dir.epoch()) + "/" + std::to_string(shard);
  salt_ = static_cast<uint32_t>(xxh3(identity, s.seed));
  encoder_ = std::make_unique<frame_encoder>(frame_encoder::settings{
      dir.epoch(), salt_, shard, s.shards, s.key_frame_interval, s.compression});
}

wal_writer::~wal_writer() = default;

result<std::unique_ptr<wal_writer>> wal_writer::open(wal_directory& dir, uint32_t shard) {
  std::unique_ptr<wal_writer> w(new wal_writer(dir, shard));
  status s = w->start_segment();
  if (!s.ok() && s.code() != errc::no_space)
    return s;
  return w;
}

wal_position wal_writer::committed() const {
  return {dir_.epoch(), segment_, committed_};
}

uint64_t wal_writer::uncommitted_bytes() const {
  return written_ - committed_ + pending_->frames.size();
}

uint64_t wal_writer::series_count() const {
  return encoder_->series_count();
}
uint64_t wal_writer::memory_bytes() const {
  return encoder_->memory_bytes();
}

// --- segments ---

result<std::unique_ptr<writable_file>> wal_writer::create_file(const std::string& path,
                                                               const segment_header& header) {
  TROUPE_ASSIGN(auto file, fs_.create(path));
  std::string bytes;
  put_segment_header(header, dir_.settings().clk->now_ms(), bytes);
  TROUPE_TRY(file->append(bytes));
  return file;
}

status wal_writer::create_segment(uint32_t number, bool fresh) {
  const wal_settings& settings = dir_.settings();
  segment_header header;
  header.epoch = dir_.epoch();
  header.salt = salt_;
  header.shard = shard_;
  header.shards = settings.shards;
  header.number = number;
  header.series_number = fresh ? number : series_number_;
  header.previous = segment_;
  header.previous_length = segment_ == 0 ? 0 : committed_;
  header.next_sequences = encoder_->next_sequences();
  std::string path = dir_.path_of(dir_.name(shard_, number, wal_file_kind::segment));
  TROUPE_ASSIGN(auto file, create_file(path, header));
  std::unique_ptr<writable_file> series;
  if (fresh) {
    header.role = segment_role::series_log;
    TROUPE_ASSIGN(
        series,
        create_file(dir_.path_of(dir_.name(shard_, number, wal_file_kind::series)), header));
    TROUPE_TRY(series->sync());
  }
  TROUPE_TRY(file->sync());
  TROUPE_TRY(fs_.sync_directory(dir_.path()));
  if (fresh) {
    series_file_ = std::move(series);
    series_number_ = number;
  }
  file_ = std::move(file);
  path_ = path;
  reserved_ = 0;
  return {};
}

void wal_writer::finish_segment() {
  if (file_) {
    file_->close().ignore();
    file_.reset();
  }
  if (segment_ == 0)
    return;
  // Frees what was reserved and removes what was never committed. If it fails the next header tells
  // the valid length.
  if (status s = fs_.truncate(path_, committed_); !s.ok())
    log_wal.warn("cannot cut {} to its committed length: {}", path_, s.to_string());
}

status wal_writer::start_segment() {
  must_cut_ = true;
  if (sync_owed_)
    if (status s = sync_committed(); !s.ok())
      return give_up(s);
  if (series_file_) {
    status s = series_file_->sync();
    if (s.code() == errc::io_error)
      return give_up(s);
    if (!s.ok())
      series_file_.reset();
  }
  bool full = segment_ != 0 && committed_ >= dir_.settings().segment_bytes / 2;
  bool fresh = !series_file_ || (full && encoder_->mostly_garbage());
  finish_segment();
  uint32_t number = segment_ + 1;
  status created = create_segment(number, fresh);
  if (!created.ok()) {
    // Half a segment must not stay: its number is used again.
    file_.reset();
    fs_.remove_file(dir_.path_of(dir_.name(shard_, number, wal_file_kind::segment))).ignore();
    if (fresh)
      fs_.remove_file(dir_.path_of(dir_.name(shard_, number, wal_file_kind::series))).ignore();
    return give_up(created);
  }
  probe_->segments.add();
  segment_ = number;
  committed_ = written_ = file_->size();
  must_cut_ = false;
  cut_requested_.store(false, std::memory_order_relaxed);
  dir_.board(shard_).publish(committed());
  encoder_->begin_segment(full, fresh, *pending_);
  uncommitted_frames_ += pending_->count;
  pending_->count = 0;
  return {};
}

// --- appending ---

status wal_writer::give_up(const status& cause) {
  if (cause.code() == errc::no_space) {
    rollback();
    return cause;
  }
  if (failed_.ok()) {
    failed_ = {errc::io_error, "the write-ahead log is broken: " + cause.to_string()};
    probe_->failures.add();
  }
  return failed_;
}

status wal_writer::prepare() {
  if (closed_)
    return {errc::unavailable, "the write-ahead log is closed"};
  TROUPE_TRY(failed_);
  bool idle = uncommitted_frames_ == 0;
  bool cut = must_cut_ || written_ >= dir_.settings().segment_bytes ||
             cut_requested_.load(std::memory_order_relaxed);
  return idle && cut ? start_segment() : status();
}

status wal_writer::append(const write_batch& batch, const wal_refused& refused) {
  TROUPE_TRY(prepare());
  TROUPE_TRY(encoder_->append(batch, refused, *pending_));
  uncommitted_frames_ += pending_->count;
  pending_->count = 0;
  if (pending_->frames.size() >= flush_bytes)
    if (status s = flush_pending(); !s.ok())
      return give_up(s);
  return {};
}

status wal_writer::append_tombstones(std::string_view tenant,
                                     std::span<const tombstone_entry> entries) {
  TROUPE_TRY(prepare());
  TROUPE_TRY(encoder_->append_tombstones(tenant, entries, *pending_));
  uncommitted_frames_ += pending_->count;
  pending_->count = 0;
  return {};
}

// A full disk shows here, before a frame is half written. Ahead of need, so that most commits write
// data only; in small steps, since the next fdatasync writes the zeros.
status wal_writer::reserve(uint64_t size) {
  if (size <= reserved_)
    return {};
  const uint64_t step = std::clamp(reserved_ / 4, smallest_reserve_step, largest_reserve_step);
  uint64_t wanted = std::max(size, std::min(reserved_ + step, dir_.settings().segment_bytes));
  status s = file_->reserve(wanted);
  if (s.code() == errc::no_space && wanted > size) {
    wanted = size;
    s = file_->reserve(wanted);
  }
  if (s.ok())
    reserved_ = wanted;
  return s;
}

status wal_writer::flush_pending() {
  std::string& frames = pending_->frames;
  if (frames.empty())
    return {};
  TROUPE_TRY(reserve(written_ + frames.size()));
  TROUPE_TRY(file_->append(frames));
  written_ += frames.size();
  frames.clear();
  return {};
}

status wal_writer::sync_segment() {
  if (dir_.settings().sync == options::sync_mode::os || TROUPE_FAULT(skip_fsync))
    return {};
  int64_t start = dir_.settings().clk->monotonic_ns();
  status s = file_->sync();
  last_sync_ns_ = dir_.settings().clk->monotonic_ns();
  probe_->sync_seconds.observe(static_cast<double>(last_sync_ns_ - start) * 1e-9);
  return s;
}

/// Brings what was committed to the disk; readers of the log see it from here on.
status wal_writer::sync_committed() {
  TROUPE_TRY(sync_segment());
  sync_owed_ = false;
  dir_.board(shard_).publish(committed());
  return {};
}

status wal_writer::sync() {
  TROUPE_TRY(failed_);
  if (!sync_owed_)
    return {};
  status s = sync_committed();
  return s.ok() ? s : give_up(s);
}

void wal_writer::append_series_log() {
  std::string& entries = pending_->dictionary;
  if (entries.empty() || !series_file_)
    return;
  if (status s = series_file_->append(entries); !s.ok()) {
    // The frames themselves are durable. The second copy starts anew with the next segment.
    log_wal.warn("series log: {}", s.to_string());
    series_file_.reset();
    must_cut_ = true;
  }
  entries.clear();
}

status wal_writer::commit() {
  if (closed_)
    return {errc::unavailable, "the write-ahead log is closed"};
  TROUPE_TRY(failed_);
  if (uncommitted_frames_ != 0) {
    const wal_settings& settings = dir_.settings();
    status s = flush_pending();
    const bool later =
        settings.sync == options::sync_mode::interval &&
        settings.clk->monotonic_ns() - last_sync_ns_ < settings.sync_interval_ms * 1'000'000;
    if (s.ok() && !later)
      s = sync_segment();
    if (!s.ok())
      return give_up(s);
    probe_->commits.add();
    probe_->frames.add(static_cast<double>(uncommitted_frames_));
    probe_->bytes.add(static_cast<double>(written_ - committed_));
    committed_bytes_ += written_ - committed_;
    committed_ = written_;
    uncommitted_frames_ = 0;
    encoder_->commit();
    append_series_log();
    sync_owed_ = later;
    if (!later)
      dir_.board(shard_).publish(committed());
  }
  // A cut that fails for space is tried again by the next append; what was committed stays so.
  if (cut_requested_.load(std::memory_order_relaxed))
    if (status s = start_segment(); !s.ok() && s.code() != errc::no_space)
      return s;
  return {};
}

void wal_writer::rollback() {
  if (uncommitted_frames_ != 0)
    probe_->rollbacks.add();
  encoder_->rollback();
  pending_->clear();
  // What reached the file cannot be trusted to go away: the next frame opens a new segment.
  if (!file_ || file_->size() != committed_)
    must_cut_ = true;
  written_ = committed_;
  uncommitted_frames_ = 0;
}

status wal_writer::cut() {
  TROUPE_TRY(commit());
  return uncommitted_frames_ == 0 ? start_segment() : status();
}

wal_resume_point wal_writer::resume_point() const {
  return {dir_.epoch(), segment_, series_number_, series_file_ ? series_file_->size() : 0};
}

std::vector<wal_references> wal_writer::references() const {
  return encoder_->references();
}

status wal_writer::close() {
  if (closed_)
    return {};
  TROUPE_TRY(failed_);
  TROUPE_TRY(commit());
  status s;
  if (!must_cut_) {
    encoder_->close_groups(*pending_);
    uncommitted_frames_ += pending_->count;
    pending_->count = 0;
    s = commit();
  }
  if (s.ok())
    s = sync();
  closed_ = true;
  if (series_file_) {
    if (s.ok())
      s = series_file_->sync();
    series_file_->close().ignore();
  }
  finish_segment();
  return s;
}

}  // namespace troupe::storage
