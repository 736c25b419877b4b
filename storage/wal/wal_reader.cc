#include "storage/wal/wal_reader.h"

#include "storage/base/log.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/segment_scanner.h"
#include "storage/wal/stream_decoder.h"

#include <algorithm>
#include <limits>

namespace troupe::storage {
namespace {

const logger log_wal("wal");

bool is_checkpoint(const wal_file_name& name) {
  return name.kind == wal_file_kind::checkpoint || name.kind == wal_file_kind::table;
}

/// Frames of both share references and sequences.
bool same_space(const wal_file_name& a, const wal_file_name& b) {
  return a.same_run(b) && is_checkpoint(a) == is_checkpoint(b);
}

std::bitset<slot_count> slots_of_shard(uint32_t shard, uint32_t shards) {
  std::bitset<slot_count> out;
  for (uint32_t s = shard; s < slot_count; s += shards)
    out.set(s);
  return out;
}

}  // namespace

wal_reader::wal_reader(wal_directory& dir, uint32_t shard, const std::bitset<slot_count>& slots)
    : dir_(dir), shard_(shard), decoder_(std::make_unique<stream_decoder>(slots, report_)) {}

wal_reader::~wal_reader() = default;

void wal_reader::report_plan(const wal_directory::plan& plan) {
  for (const auto& name : plan.foreign)
    report_.add(wal_loss::foreign_file, name, 0, 0);
  for (const auto& name : plan.duplicates)
    report_.add(wal_loss::duplicate, name, 0, 0);
  for (const auto& name : plan.missing)
    report_.add(wal_loss::missing_segment, name.to_string(), 0, 0);
  for (const auto& f : files_)
    progress_.bytes += f.length;
  progress_.files = static_cast<uint32_t>(files_.size());
}

result<std::unique_ptr<wal_reader>> wal_reader::open_replay(wal_directory& dir, uint32_t shard) {
  auto slots = slots_of_shard(shard, dir.settings().shards);
  std::unique_ptr<wal_reader> r(new wal_reader(dir, shard, slots));
  TROUPE_ASSIGN(auto plan, dir.plan_reading(slots, dir.epoch()));
  r->files_ = plan.files;
  r->report_plan(plan);
  r->live_ = true;
  r->live_segment_ = 1;
  return r;
}

result<std::unique_ptr<wal_reader>> wal_reader::open_replay_from(wal_directory& dir, uint32_t shard,
                                                                 const wal_resume_point& from) {
  const uint32_t shards = dir.settings().shards;
  auto slots = slots_of_shard(shard, shards);
  TROUPE_ASSIGN(auto plan, dir.plan_reading(slots, dir.epoch()));
  const auto in_run = [&](const wal_file_name& n) { return n.epoch == from.epoch; };
  const bool goes_on = std::any_of(plan.files.begin(), plan.files.end(), [&](const auto& f) {
    return in_run(f.name) && f.name.shard == shard && f.name.shards == shards &&
           f.name.kind == wal_file_kind::segment && f.name.number == from.segment;
  });
  // What a later checkpoint has left out lies in blocks or is deleted: it must not come back.
  const bool superseded = std::any_of(plan.files.begin(), plan.files.end(), [&](const auto& f) {
    return is_checkpoint(f.name) &&
           (f.name.epoch > from.epoch || (in_run(f.name) && f.name.number > from.segment));
  });
  if (!goes_on || superseded)
    return {errc::not_found, "the log does not go on from there"};
  const auto known = [&](const wal_file_name& n) {
    if (!in_run(n))
      return n.epoch < from.epoch;
    if (n.kind == wal_file_kind::series)
      return n.number < from.series_number;
    return is_checkpoint(n) || n.number < from.segment;
  };
  std::erase_if(plan.files, [&](const auto& f) { return known(f.name); });
  std::erase_if(plan.missing, known);
  std::unique_ptr<wal_reader> r(new wal_reader(dir, shard, slots));
  r->files_ = plan.files;
  r->report_plan(plan);
  r->from_ = from;
  r->live_ = true;
  r->live_segment_ = 1;
  return r;
}

uint32_t wal_reader::restore(const wal_references& from) {
  return decoder_->restore(from_.epoch, from);
}

result<std::unique_ptr<wal_reader>> wal_reader::open_until(wal_directory& dir, uint32_t shard,
                                                           uint32_t end_segment) {
  auto slots = slots_of_shard(shard, dir.settings().shards);
  std::unique_ptr<wal_reader> r(new wal_reader(dir, shard, slots));
  TROUPE_ASSIGN(auto plan, dir.plan_reading(slots, dir.epoch() + 1));
  r->files_ = plan.files;
  std::erase_if(r->files_, [&](const auto& f) {
    return f.name.epoch == dir.epoch() && f.name.number >= end_segment;
  });
  r->report_plan(plan);
  return r;
}

result<std::unique_ptr<wal_reader>> wal_reader::open_tail(wal_directory& dir, uint32_t shard,
                                                          const std::bitset<slot_count>& slots,
                                                          const wal_position& from) {
  std::unique_ptr<wal_reader> r(new wal_reader(dir, shard, slots));
  TROUPE_ASSIGN(auto plan, dir.plan_reading(slots, dir.epoch() + 1, true));
  r->live_ = true;
  r->tail_ = true;
  uint32_t first_live = std::numeric_limits<uint32_t>::max();
  for (const auto& f : plan.files)
    if (f.name.epoch == dir.epoch() && f.name.kind == wal_file_kind::segment)
      first_live = std::min(first_live, f.name.number);
  if (first_live == std::numeric_limits<uint32_t>::max())
    first_live = 1;
  r->live_segment_ = from.epoch == dir.epoch() ? std::max(first_live, from.segment) : first_live;
  for (auto& f : plan.files) {
    bool segment = f.name.kind == wal_file_kind::segment;
    bool before = f.name.epoch < from.epoch ||
                  (f.name.epoch == from.epoch && segment && f.name.number < from.segment);
    // This run's segments are followed live; its series logs hold the references they start with.
    bool live = f.name.epoch == dir.epoch() && (segment || f.name.number > r->live_segment_);
    if (!before && !live)
      r->files_.push_back(f);
  }
  r->report_plan(plan);
  return r;
}

const std::vector<wal_series>& wal_reader::dictionary() const {
  return decoder_->dictionary();
}

uint64_t wal_reader::offset() const {
  return scanner_ ? scanner_->position() : 0;
}

uint64_t wal_reader::last_sequence(uint16_t stream) const {
  return decoder_->last_sequence(stream);
}

// --- files ---

bool wal_reader::open_file(const std::string& path, uint64_t length, bool may_be_torn) {
  auto opened = segment_scanner::open(*dir_.settings().fs, path, length, may_be_torn);
  if (!opened.ok()) {
    log_wal.warn("{}", opened.error().to_string());
    report_.add(opened.code() == errc::not_found ? wal_loss::missing_segment : wal_loss::read_error,
                path, 0, length);
    return false;
  }
  scanner_ = *std::move(opened);
  if (length == 0 && !may_be_torn)
    report_.add(wal_loss::bad_frame, path, 0, 0);
  return true;
}

bool wal_reader::open_next(wal_sink& sink, status& failed) {
  while (next_ < files_.size()) {
    const auto& f = files_[next_++];
    if (run_open_ && !same_space(f.name, file_)) {
      run_open_ = false;
      if (failed = decoder_->end_run(sink); !failed.ok())
        return false;
    }
    file_ = f.name;
    run_open_ = true;
    decoder_->skip_slots(f.skip);
    if (open_file(f.path, f.length, f.last)) {
      skip_known_series();
      return true;
    }
    ++progress_.files_done;
  }
  if (live_)
    return open_live(sink, failed);
  if (run_open_) {
    run_open_ = false;
    failed = decoder_->end_run(sink);
  }
  return false;
}

// Of the series log that the resume point names only what came behind it.
void wal_reader::skip_known_series() {
  if (file_.kind != wal_file_kind::series || file_.epoch != from_.epoch ||
      file_.number != from_.series_number)
    return;
  if (scanner_->next() == segment_scanner::outcome::damage)
    take_damage();
  scanner_->skip_to(from_.series_length);
}

bool wal_reader::open_live(wal_sink& sink, status& failed) {
  wal_position end = dir_.board(shard_).committed();
  if (live_segment_ > end.segment || end.segment == 0)
    return false;
  wal_file_name name = dir_.name(shard_, live_segment_, wal_file_kind::segment);
  if (run_open_ && !same_space(name, file_)) {
    run_open_ = false;
    if (failed = decoder_->end_run(sink); !failed.ok())
      return false;
  }
  std::string path = dir_.path_of(name);
  auto header = dir_.read_header(path);
  if (tail_ && header.ok()) {
    // A new series log: every group starts anew, so what is known of the old ones may go.
    if (series_number_ != 0 && series_number_ != header->series_number) {
      if (failed = decoder_->end_run(sink); !failed.ok())
        return false;
      decoder_->forget_dictionary();
    }
    series_number_ = header->series_number;
  }
  file_ = name;
  run_open_ = true;
  in_live_ = true;
  decoder_->skip_slots({});
  ++live_segment_;
  ++progress_.files;
  uint64_t length = end.segment == name.number ? end.offset : dir_.valid_length(name);
  if (!open_file(path, length, false)) {
    ++progress_.files_done;
    return open_live(sink, failed);
  }
  return true;
}

bool wal_reader::extend_live() {
  wal_position end = dir_.board(shard_).committed();
  uint64_t length = end.segment == file_.number ? end.offset : dir_.valid_length(file_);
  if (length <= scanner_->limit())
    return false;
  scanner_->set_limit(length);
  return true;
}

void wal_reader::close_file() {
  if (scanner_->unreadable_bytes() != 0)
    report_.add(wal_loss::read_error, scanner_->path(), 0, scanner_->unreadable_bytes());
  scanner_.reset();
  in_live_ = false;
  ++progress_.files_done;
}

// --- frames ---

status wal_reader::take_frame(uint64_t offset, wal_sink& sink) {
  const frame& f = scanner_->current();
  if (f.header.kind == frame_kind::segment_header) {
    segment_header header;
    if (read_segment_header(f.stored_body, header) && header.role == segment_role::segment)
      decoder_->expect(header);
    return {};
  }
  uint32_t length = f.length;
  status s = decoder_->apply(f, sink);
  if (s.code() != errc::corruption)
    return s;
  log_wal.warn("{}: frame at {}: {}", scanner_->path(), offset, s.message());
  report_.add(wal_loss::bad_body, scanner_->path(), offset, length);
  return {};
}

void wal_reader::take_damage() {
  const wal_damage& d = scanner_->damage();
  report_.add(d.reason, d.file, d.offset, d.bytes);
  if (d.reason == wal_loss::torn_tail) {
    log_wal.info("{}: {} bytes at the end are an incomplete frame", d.file, d.bytes);
    return;
  }
  log_wal.warn("{}: {} damaged bytes at {}", d.file, d.bytes, d.offset);
  dir_.quarantine(d.file, d.offset, scanner_->damaged_bytes(), to_string(d.reason));
}

result<bool> wal_reader::step(wal_sink& sink, size_t budget_bytes) {
  uint64_t used = 0;
  while (used < budget_bytes) {
    status failed;
    if (!scanner_ && !open_next(sink, failed)) {
      TROUPE_TRY(failed);
      return true;
    }
    uint64_t before = scanner_->position();
    auto what = scanner_->next();
    uint64_t bytes = scanner_->position() - before;
    used += bytes;
    progress_.bytes_done += bytes;
    switch (what) {
      case segment_scanner::outcome::frame:
        TROUPE_TRY(take_frame(before, sink));
        break;
      case segment_scanner::outcome::damage:
        take_damage();
        break;
      case segment_scanner::outcome::end:
        if (!in_live_) {
          close_file();
          break;
        }
        if (extend_live())
          break;
        if (dir_.board(shard_).committed().segment == file_.number)
          return true;
        // The writer went on; what it committed here before that is final.
        if (!extend_live())
          close_file();
        break;
    }
  }
  return false;
}

}  // namespace troupe::storage
