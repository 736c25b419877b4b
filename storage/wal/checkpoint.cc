#include "storage/wal/checkpoint.h"

#include "storage/base/hash.h"
#include "storage/wal/frame_encoder.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/wal_reader.h"

#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace troupe::storage {
namespace {

constexpr size_t flush_bytes = 1u << 20;

/// A batch of what is kept of one wal_batch, with a table of just its series.
class batch_builder {
 public:
  batch_builder(const wal_batch& from) : from_(from), table_(std::make_shared<series_table>()) {
    out_.tenant = from.tenant;
    out_.group = from.group;
    table_->uniform_slot = from.slot;
  }
  uint32_t position(uint32_t id) {
    auto [it, added] = positions_.try_emplace(id, static_cast<uint32_t>(table_->series.size()));
    if (added)
      table_->series.push_back(from_.series(id).lset);
    return it->second;
  }
  write_batch& batch() { return out_; }
  write_batch finish() {
    out_.table = table_;
    return std::move(out_);
  }

 private:
  const wal_batch& from_;
  std::shared_ptr<series_table> table_;
  std::unordered_map<uint32_t, uint32_t> positions_;
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

status checkpoint_writer::impl::apply(const wal_batch& batch) {
  batch_builder builder(batch);
  keep_floats(batch, builder);
  keep_others(batch, builder);
  if (!batch.source_position.empty())
    positions[{std::string(batch.tenant), batch.group}] = batch.source_position;
  write_batch kept = builder.finish();
  total.samples_kept += kept.sample_count();
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
