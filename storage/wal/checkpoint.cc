#include "storage/wal/checkpoint.h"

#include "storage/base/hash.h"
#include "storage/wal/frame_encoder.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/wal_reader.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe::storage {
namespace {

constexpr size_t flush_bytes = 1u << 20;

/// The series of a sender in one slot that samples were kept of. Their table goes from batch to
/// batch, so that the encoder knows it.
struct known_series {
  uint32_t number = 0;  ///< no two have the same
  uint64_t epoch = 0;
  series_table_ptr table;
};

/// Where a series stands in the table of known series.
struct series_place {
  uint32_t known = UINT32_MAX;
  uint32_t position = 0;
};
using series_places = std::vector<series_place>;  ///< by the reader's number

/// A batch of what is kept of one wal_batch.
class batch_builder {
 public:
  batch_builder(const wal_batch& from, known_series& known, series_places& places)
      : from_(from), known_(known), places_(places) {
    out_.tenant = from.tenant;
    out_.group = from.group;
    places_.resize(std::max(places_.size(), from.dictionary ? from.dictionary->size() : 0));
  }
  uint32_t position(uint32_t id) {
    used_ = true;
    series_place& at = places_[id];
    if (at.known != known_.number) {
      const size_t before = known_.table ? known_.table->series.size() : 0;
      at = {known_.number, static_cast<uint32_t>(before + added_.size())};
      added_.push_back(from_.series(id).lset);
    }
    return at.position;
  }
  write_batch& batch() { return out_; }
  write_batch finish() {
    if (!added_.empty()) {
      std::vector<uint16_t> slots(added_.size(), from_.slot);
      known_.table = extend_series_table(known_.table.get(), std::move(added_), std::move(slots));
    }
    out_.table = used_ ? known_.table : nullptr;
    return std::move(out_);
  }

 private:
  const wal_batch& from_;
  known_series& known_;
  series_places& places_;
  std::vector<labels> added_;
  bool used_ = false;
  write_batch out_;
};

}  // namespace

struct checkpoint_writer::impl final : wal_sink {
  impl(wal_directory& d, uint32_t shard, uint32_t end, checkpoint_filter& f)
      : dir(d),
        filter(f),
        name(d.name(shard, end, wal_file_kind::checkpoint)),
        table_name(d.name(shard, end, wal_file_kind::table)) {
    const wal_settings& s = d.settings();
    salt = static_cast<uint32_t>(xxh3(name.to_string(), s.seed));
    encoder = std::make_unique<frame_encoder>(frame_encoder::settings{
        d.epoch(), salt, shard, s.shards, s.key_frame_interval, s.compression});
  }

  status start();
  status apply(const wal_batch& batch) override;
  status flush();
  status finish();
  void abandon();
  known_series& known_of(const wal_batch& batch);
  void keep_floats(const wal_batch& from, batch_builder& to);
  void keep_others(const wal_batch& from, batch_builder& to);
  std::string temporary(const wal_file_name& n) const { return dir.path_of(n) + ".tmp"; }

  wal_directory& dir;
  checkpoint_filter& filter;
  wal_file_name name, table_name;
  uint32_t salt = 0;
  std::unique_ptr<frame_encoder> encoder;
  std::unique_ptr<wal_reader> reader;
  std::unique_ptr<writable_file> file, table;
  encoded_frames pending;
  std::map<std::tuple<std::string_view, uint64_t, uint16_t>, known_series> known;
  uint32_t next_known = 0;
  series_places places;
  std::set<std::string> metadata_seen;
  std::map<std::pair<std::string, uint64_t>, std::string> positions;
  counts total;
  bool done = false;
};

status checkpoint_writer::impl::start() {
  segment_header header;
  header.epoch = dir.epoch();
  header.salt = salt;
  header.shard = name.shard;
  header.shards = name.shards;
  header.number = name.number;
  auto create = [&](const wal_file_name& n,
                    segment_role role) -> result<std::unique_ptr<writable_file>> {
    TROUPE_ASSIGN(auto f, dir.settings().fs->create(temporary(n)));
    header.role = role;
    std::string bytes;
    put_segment_header(header, dir.settings().clk->now_ms(), bytes);
    TROUPE_TRY(f->append(bytes));
    total.bytes += bytes.size();
    return f;
  };
  TROUPE_ASSIGN(file, create(name, segment_role::checkpoint));
  TROUPE_ASSIGN(table, create(table_name, segment_role::series_log));
  return {};
}

void checkpoint_writer::impl::keep_floats(const wal_batch& from, batch_builder& to) {
  write_batch& out = to.batch();
  size_t next_start = 0;
  for (uint32_t i = 0; i < from.floats.size(); ++i) {
    const float_entry& e = from.floats[i];
    bool has_start = next_start < from.starts.size() && from.starts[next_start].index == i;
    if (filter.keep_sample(from.series(e.series), e.ts)) {
      if (has_start)
        out.starts.push_back(
            {static_cast<uint32_t>(out.floats.size()), from.starts[next_start].start_ts});
      out.floats.push_back({e.ts, e.value, to.position(e.series)});
    } else {
      ++total.samples_dropped;
    }
    next_start += has_start;
  }
}

void checkpoint_writer::impl::keep_others(const wal_batch& from, batch_builder& to) {
  write_batch& out = to.batch();
  for (const auto& e : from.histograms) {
    if (filter.keep_sample(from.series(e.series), e.ts))
      out.histograms.push_back({e.ts, e.start_ts, e.value, to.position(e.series)});
    else
      ++total.samples_dropped;
  }
  for (const auto& e : from.exemplars)
    if (filter.keep_exemplar(from.series(e.series), e.value.ts != 0 ? e.value.ts : from.ts))
      out.exemplars.push_back({e.value, to.position(e.series)});
  for (const auto& e : from.metadata) {
    std::string identity;
    put_bytes(identity, from.tenant);
    put_metadata(e, identity);
    if (!metadata_seen.contains(identity) && filter.keep_metadata(from.tenant, e)) {
      metadata_seen.insert(std::move(identity));
      out.metadata.push_back(e);
    }
  }
}

/// Numbers of another epoch are those of other series.
known_series& checkpoint_writer::impl::known_of(const wal_batch& batch) {
  const auto [at, fresh] = known.try_emplace({batch.tenant, batch.group, batch.slot});
  if (fresh || at->second.epoch != batch.epoch)
    at->second = {next_known++, batch.epoch, nullptr};
  return at->second;
}

status checkpoint_writer::impl::apply(const wal_batch& batch) {
  batch_builder builder(batch, known_of(batch), places);
  keep_floats(batch, builder);
  keep_others(batch, builder);
  if (!batch.source_position.empty())
    positions[{std::string(batch.tenant), batch.group}] = batch.source_position;
  write_batch kept = builder.finish();
  total.samples_kept += kept.sample_count();
  if (kept.table || !kept.metadata.empty())
    TROUPE_TRY(encoder->append(kept, {}, pending));
  std::vector<tombstone_entry> tombstones;
  for (const auto& e : batch.tombstones)
    if (filter.keep_tombstone(batch.tenant, e))
      tombstones.push_back(e);
  TROUPE_TRY(encoder->append_tombstones(batch.tenant, tombstones, pending));
  return pending.frames.size() >= flush_bytes ? flush() : status();
}

status checkpoint_writer::impl::flush() {
  TROUPE_TRY(file->append(pending.frames));
  TROUPE_TRY(table->append(pending.dictionary));
  total.bytes += pending.frames.size() + pending.dictionary.size();
  pending.clear();
  encoder->commit();
  return {};
}

status checkpoint_writer::impl::finish() {
  for (const auto& [key, position] : positions) {
    write_batch batch;
    batch.tenant = key.first;
    batch.group = key.second;
    batch.source_position = position;
    TROUPE_TRY(encoder->append(batch, {}, pending));
  }
  encoder->close_groups(pending);
  TROUPE_TRY(flush());
  TROUPE_TRY(table->sync());
  TROUPE_TRY(file->sync());
  table->close().ignore();
  file->close().ignore();
  file_system& fs = *dir.settings().fs;
  TROUPE_TRY(fs.rename(temporary(table_name), dir.path_of(table_name)));
  TROUPE_TRY(fs.rename(temporary(name), dir.path_of(name)));
  return fs.sync_directory(dir.path());
}

void checkpoint_writer::impl::abandon() {
  file.reset();
  table.reset();
  for (const auto& n : {name, table_name})
    if (dir.settings().fs->exists(temporary(n)))
      dir.settings().fs->remove_file(temporary(n)).ignore();
}

checkpoint_writer::checkpoint_writer(std::unique_ptr<impl> state) : impl_(std::move(state)) {}

checkpoint_writer::~checkpoint_writer() {
  if (!impl_->done)
    impl_->abandon();
}

result<std::unique_ptr<checkpoint_writer>> checkpoint_writer::open(wal_directory& dir,
                                                                   uint32_t shard,
                                                                   uint32_t end_segment,
                                                                   checkpoint_filter& filter) {
  if (end_segment > dir.board(shard).committed().segment)
    return {errc::invalid_argument, "a checkpoint ends at a segment that has been started"};
  TROUPE_ASSIGN(auto found, dir.list());
  auto state = std::make_unique<impl>(dir, shard, end_segment, filter);
  for (const auto& f : found.files)
    if (f.kind == wal_file_kind::checkpoint && f.same_run(state->name) && f.number >= end_segment)
      return {errc::already_exists, dir.path_of(f) + " exists"};
  TROUPE_ASSIGN(state->reader, wal_reader::open_until(dir, shard, end_segment));
  status started = state->start();
  if (!started.ok()) {
    state->abandon();
    return started;
  }
  return std::unique_ptr<checkpoint_writer>(new checkpoint_writer(std::move(state)));
}

result<bool> checkpoint_writer::step(size_t budget_bytes) {
  if (impl_->done)
    return true;
  if (!impl_->file)
    return {errc::unavailable, "the checkpoint was given up"};
  auto through = impl_->reader->step(*impl_, budget_bytes);
  status s = through.ok() ? status() : through.error();
  if (s.ok() && *through)
    s = impl_->finish();
  if (!s.ok()) {
    impl_->abandon();
    return s;
  }
  impl_->done = *through;
  return impl_->done;
}

checkpoint_writer::counts checkpoint_writer::totals() const {
  return impl_->total;
}

}  // namespace troupe::storage
