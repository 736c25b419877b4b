#include "tests/storage/wal/wal_damage_kit.h"

#include "storage/base/coding.h"
#include "storage/wal/frame.h"
#include "storage/wal/section.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

void add_section(frame_info& f, uint64_t epoch, uint16_t slot, uint64_t sequence,
                 std::string_view bytes) {
  section s;
  ASSERT_TRUE(read_section(bytes, s));
  f.sections.push_back({{epoch, slot, sequence}, s.has_group, s.key, s.group_number, s.number});
}

void parse(frame_info& info, const frame& f) {
  std::string scratch;
  auto body = frame_body(f, scratch);
  ASSERT_TRUE(body.ok());
  byte_reader in(*body);
  if (f.header.kind == frame_kind::stream) {
    in.bytes();
    add_section(info, f.header.epoch, f.header.stream, f.header.sequence, in.take(in.remaining()));
  } else if (f.header.kind == frame_kind::envelope) {
    in.bytes();
    for (uint64_t n = in.varint(); n > 0; --n) {
      auto slot = static_cast<uint16_t>(in.varint());
      uint64_t sequence = in.varint();
      add_section(info, f.header.epoch, slot, sequence, in.bytes());
    }
  }
}

bool same_group(const section_info& a, const section_info& b) {
  return a.has_group && b.has_group && a.group_number == b.group_number &&
         std::get<0>(a.id) == std::get<0>(b.id) && std::get<1>(a.id) == std::get<1>(b.id);
}

}  // namespace

std::vector<frame_info> frames_of(log_fixture& log) {
  std::vector<frame_info> out;
  for (const auto& path : log.files(".wal")) {
    std::string bytes = log.fs.content(path);
    for (uint64_t at = 0; at < bytes.size();) {
      frame f;
      EXPECT_EQ(check_frame(std::string_view(bytes).substr(at), f), frame_state::intact);
      frame_info info{path, at, f.length, {}};
      parse(info, f);
      at += f.length;
      out.push_back(std::move(info));
    }
  }
  return out;
}

status section_collector::apply(const wal_batch& batch) {
  collector one;
  TROUPE_TRY(one.apply(batch));
  log_content& c = sections[{batch.epoch, batch.slot, batch.sequence}];
  c.samples.merge(one.content.samples);
  EXPECT_TRUE(one.content.samples.empty()) << "given twice";
  c.exemplars.merge(one.content.exemplars);
  c.metadata.merge(one.content.metadata);
  c.tombstones.merge(one.content.tombstones);
  return {};
}

std::set<section_id> section_collector::damaged_against(const section_collector& whole) const {
  static const log_content nothing;
  std::set<section_id> out;
  for (const auto& [id, content] : sections)
    EXPECT_TRUE(whole.sections.contains(id) || content.size() == 0) << "invented section";
  for (const auto& [id, content] : whole.sections) {
    auto it = sections.find(id);
    const log_content& mine = it == sections.end() ? nothing : it->second;
    if (mine.missing_from(content) != 0)
      out.insert(id);
  }
  return out;
}

section_collector read_sections(log_fixture& log) {
  section_collector sink;
  log.writer.reset();
  auto dir = wal_directory::open(log.settings);
  EXPECT_TRUE(dir.ok());
  if (!dir.ok())
    return sink;
  log.dir = *std::move(dir);
  auto reader = wal_reader::open_replay(*log.dir, 0);
  EXPECT_TRUE(reader.ok());
  auto done = (*reader)->step(sink, 1ULL << 40);
  EXPECT_TRUE(done.ok() && *done);
  log.report = (*reader)->report();
  return sink;
}

std::set<section_id> allowed_loss(const std::vector<frame_info>& frames, const std::string& path,
                                  uint64_t offset) {
  std::set<section_id> out;
  for (size_t i = 0; i < frames.size(); ++i) {
    const frame_info& f = frames[i];
    if (f.path != path || offset < f.offset || offset >= f.offset + f.length)
      continue;
    for (const section_info& s : f.sections) {
      out.insert(s.id);
      std::set<section_id> behind;
      bool key = false;
      for (size_t j = i + 1; j < frames.size() && !key; ++j)
        for (const section_info& later : frames[j].sections)
          if (same_group(s, later) && !(key = later.key))
            behind.insert(later.id);
      if (!key)
        out.insert(behind.begin(), behind.end());
    }
  }
  return out;
}

}  // namespace troupe::storage
