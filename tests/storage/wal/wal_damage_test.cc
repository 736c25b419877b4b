// Every byte of a small log flipped, every length cut, files gone, empty, doubled or strange: only
// the damaged frame is lost, never a wrong value, and opening always succeeds.
#include "storage/wal/frame.h"
#include "tests/storage/wal/wal_damage_kit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::storage {
namespace {

/// A few segments with every kind of frame; left by a clean end or by a kill.
void write_log(log_fixture& log, bool clean_end, bool compression = true, size_t batches = 26) {
  log.settings.segment_bytes = 2'600;
  log.settings.key_frame_interval = 4;
  log.settings.compression = compression;
  batch_source::shape shape;
  shape.targets = 2;
  shape.series_per_target = 4;
  batch_source source(log.seed, shape);
  ASSERT_TRUE(log.start().ok());
  for (size_t i = 0; i < batches; ++i) {
    ASSERT_TRUE(log.writer->append(source.next()).ok());
    if (i == 5) {
      labels l = make_series({{"__name__", "gone"}});
      tombstone_entry t[] = {{l, 5, 6}};
      ASSERT_TRUE(log.writer->append_tombstones("t", t).ok());
    }
    ASSERT_TRUE(log.writer->commit().ok());
  }
  if (clean_end) {
    ASSERT_TRUE(log.writer->close().ok());
  }
  log.writer.reset();
  log.fs.kill();
}

bool contains(const std::set<section_id>& outer, const std::set<section_id>& inner) {
  return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

void flip_every_byte(bool clean_end, bool compression) {
  log_fixture log(clean_end ? 11 : 12);
  write_log(log, clean_end, compression);
  section_collector whole = read_sections(log);
  ASSERT_TRUE(log.report.clean());
  auto frames = frames_of(log);
  auto files = log.files(".wal");
  ASSERT_GE(files.size(), 2u);
  uint64_t lost_sections = 0, recovered = 0;
  for (const auto& path : files) {
    const std::string good = log.fs.content(path);
    for (uint64_t at = 0; at < good.size(); ++at) {
      log.fs.flip_bit(path, at, (at * 5 + 3) % 8);
      section_collector found = read_sections(log);
      auto lost = found.damaged_against(whole);
      EXPECT_TRUE(contains(allowed_loss(frames, path, at), lost)) << path << " byte " << at;
      EXPECT_FALSE(log.report.clean() && log.report.count(wal_loss::torn_tail) == 0)
          << "not detected: " << path << " byte " << at;
      lost_sections += lost.size();
      recovered += log.report.frames_recovered;
      log.fs.put(path, good);  // a last byte that became zero was cut off
    }
  }
  EXPECT_GT(lost_sections, 1000u);
  EXPECT_GT(recovered, 1000u);
  EXPECT_EQ(read_sections(log).damaged_against(whole).size(), 0u);
  EXPECT_FALSE(log.fs.files("data/quarantine/").empty());
}

TEST(wal_damage, any_flipped_byte_costs_its_frame_alone_after_a_clean_end) {
  flip_every_byte(true, true);
}
TEST(wal_damage, any_flipped_byte_costs_its_frame_alone_after_a_kill) {
  flip_every_byte(false, false);
}

TEST(wal_damage, a_clean_end_leaves_no_rest_behind_a_last_key_frame) {
  log_fixture log(11);
  write_log(log, true);
  auto frames = frames_of(log);
  for (const auto& f : frames)
    EXPECT_LE(allowed_loss(frames, f.path, f.offset).size(), f.sections.size());
}

TEST(wal_damage, a_log_cut_anywhere_keeps_all_complete_frames) {
  log_fixture log(13);
  write_log(log, false);
  section_collector whole = read_sections(log);
  auto frames = frames_of(log);
  for (const auto& path : log.files(".wal")) {
    std::string bytes = log.fs.content(path);
    bool last = path == log.files(".wal").back();
    for (uint64_t size = 0; size < bytes.size(); ++size) {
      log.fs.put(path, bytes.substr(0, size));
      auto lost = read_sections(log).damaged_against(whole);
      std::set<section_id> may_go;
      for (const auto& f : frames)
        if (f.path == path && f.offset + f.length > size)
          for (const auto& s : f.sections)
            may_go.insert(s.id);
      EXPECT_TRUE(contains(may_go, lost)) << path << " cut at " << size;
      bool at_frame = std::any_of(frames.begin(), frames.end(), [&](const auto& f) {
        return f.path == path && f.offset == size;
      });
      EXPECT_EQ(log.report.count(wal_loss::torn_tail) != 0, last && !at_frame) << size;
    }
    log.fs.put(path, bytes);
  }
}

TEST(wal_damage, any_flipped_byte_of_a_series_log_costs_nothing) {
  log_fixture log(14);
  write_log(log, false);
  section_collector whole = read_sections(log);
  for (const auto& path : log.files(".series")) {
    uint64_t size = log.fs.content(path).size();
    for (uint64_t at = 0; at < size; ++at) {
      log.fs.flip_bit(path, at, at % 8);
      EXPECT_TRUE(read_sections(log).damaged_against(whole).empty()) << at;
      log.fs.flip_bit(path, at, at % 8);
    }
    std::string bytes = log.fs.content(path);
    ASSERT_TRUE(log.fs.remove_file(path).ok());
    EXPECT_TRUE(read_sections(log).damaged_against(whole).empty());
    log.fs.put(path, bytes);
  }
}

TEST(wal_damage, a_dictionary_lost_twice_costs_its_series_and_is_counted) {
  log_fixture log(15);
  write_log(log, false);
  section_collector whole = read_sections(log);
  for (const auto& path : log.files(".series"))
    ASSERT_TRUE(log.fs.remove_file(path).ok());
  auto frames = frames_of(log);
  size_t unknown = 0;
  for (const auto& f : frames) {
    log.fs.flip_bit(f.path, f.offset + 60, 0);
    read_sections(log).damaged_against(whole);  // no wrong values
    unknown += log.report.count(wal_loss::unknown_series);
    log.fs.flip_bit(f.path, f.offset + 60, 0);
  }
  EXPECT_GT(unknown, 0u);
}

TEST(wal_damage, random_heavy_damage_gives_no_wrong_value) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    log_fixture log(seed);
    write_log(log, seed % 2 == 0, seed % 3 == 0);
    section_collector whole = read_sections(log);
    seeded_random random(seed * 77);
    auto files = log.fs.files("data/wal/0");
    for (uint64_t n = 1 + random.below(12); n > 0; --n) {
      const std::string& path = files[random.below(files.size())];
      uint64_t size = log.fs.content(path).size();
      if (size == 0)
        continue;
      uint64_t at = random.below(size);
      switch (random.below(4)) {
        case 0:
          log.fs.flip_bit(path, at, random.below(8));
          break;
        case 1:
          log.fs.overwrite(path, at, std::string(std::min<uint64_t>(size - at, 64), '\xee'));
          break;
        case 2: {  // a page swapped with another place
          std::string bytes = log.fs.content(path);
          uint64_t n2 = std::min<uint64_t>({128, size - at, size / 2});
          log.fs.overwrite(path, at, bytes.substr(random.below(size - n2 + 1), n2));
          break;
        }
        default:
          log.fs.cut(path, at);
      }
    }
    read_sections(log).damaged_against(whole);
  }
}

TEST(wal_damage, missing_empty_doubled_renamed_and_foreign_files) {
  log_fixture log(16);
  write_log(log, true, true, 50);
  section_collector whole = read_sections(log);
  auto frames = frames_of(log);
  auto files = log.files(".wal");
  ASSERT_GE(files.size(), 3u);
  auto in_file = [&](const std::string& path) {
    std::set<section_id> out;
    for (const auto& f : frames)
      if (f.path == path)
        for (const auto& s : f.sections)
          out.insert(s.id);
    return out;
  };
  for (const auto& path : files) {
    std::string bytes = log.fs.content(path);
    for (bool empty : {true, false}) {
      if (empty)
        log.fs.put(path, "");
      else
        ASSERT_TRUE(log.fs.remove_file(path).ok());
      auto lost = read_sections(log).damaged_against(whole);
      EXPECT_TRUE(contains(in_file(path), lost));
      if (path == files[1] && !empty) {
        EXPECT_EQ(log.report.count(wal_loss::missing_segment), 1u);
      }
    }
    log.fs.put(path, bytes);
    // A copy under another number, before and behind the real ones, and the file itself renamed.
    for (const char* number : {"00000000", "00000077"}) {
      std::string copy = path;
      copy.replace(copy.rfind('-') + 1, 8, number);
      log.fs.put(copy, bytes);
      EXPECT_TRUE(read_sections(log).damaged_against(whole).empty());
      EXPECT_EQ(log.report.count(wal_loss::duplicate), 1u);
      ASSERT_TRUE(log.fs.remove_file(path).ok());
      EXPECT_TRUE(read_sections(log).damaged_against(whole).empty());
      ASSERT_TRUE(log.fs.remove_file(copy).ok());
      log.fs.put(path, bytes);
    }
  }
  log.fs.put("data/wal/notes.txt", "hello");
  log.fs.put("data/wal/000000006553f100-000of001-00000000.wal", std::string(5'000, 'T'));
  EXPECT_TRUE(read_sections(log).damaged_against(whole).empty());
  EXPECT_EQ(log.report.count(wal_loss::foreign_file), 1u);
  EXPECT_GE(log.report.count(wal_loss::bad_frame) + log.report.count(wal_loss::torn_tail), 1u);
}

TEST(wal_damage, a_frame_planted_in_a_label_is_never_taken_for_a_frame) {
  log_fixture log(17);
  log.settings.compression = false;
  ASSERT_TRUE(log.start().ok());
  auto table = table_of({make_series({{"__name__", "a"}})});
  // The attacker knows the format, epoch and stream, but not the salt.
  frame_header fake;
  fake.stream = slot_of("", table->series[0]);
  fake.epoch = log.dir->epoch();
  fake.sequence = 900;
  fake.salt = 12345;
  std::string planted;
  put_frame(fake, std::string(1, '\0') + std::string(1, '\0'), false, planted);
  write_batch b = simple_batch(table, 1, {1});
  b.metadata.push_back({"a", {metric_type::counter, "", planted}});
  ASSERT_TRUE(log.writer->append(b).ok());
  ASSERT_TRUE(log.writer->append(simple_batch(table, 2, {2})).ok());
  ASSERT_TRUE(log.writer->close().ok());
  auto frames = frames_of(log);
  for (uint64_t at = 4; at < 8; ++at) {
    log.fs.flip_bit(frames[1].path, frames[1].offset + at, 1);
    section_collector found = read_sections(log);
    EXPECT_EQ(found.sections.size(), 1u);
    EXPECT_EQ(found.sections.begin()->second.samples.size(), 1u);
    EXPECT_EQ(log.report.counts[static_cast<size_t>(wal_loss::duplicate)], 0u);
    log.fs.flip_bit(frames[1].path, frames[1].offset + at, 1);
  }
}

TEST(wal_damage, a_tombstone_still_covers_samples_that_are_recovered_late) {
  log_fixture log(18);
  log.settings.key_frame_interval = 8;
  ASSERT_TRUE(log.start().ok());
  labels l = make_series({{"__name__", "a"}});
  auto table = table_of({l});
  for (int i = 1; i <= 4; ++i)
    ASSERT_TRUE(log.writer->append(simple_batch(table, i, {i * 1.5})).ok());
  tombstone_entry t[] = {{l, 1, 4}};
  ASSERT_TRUE(log.writer->append_tombstones("", t).ok());
  ASSERT_TRUE(log.writer->append(simple_batch(table, 5, {7})).ok());
  ASSERT_TRUE(log.writer->close().ok());
  log.writer.reset();
  auto frames = frames_of(log);
  log.fs.flip_bit(frames[2].path, frames[2].offset + 30, 2);
  struct order final : wal_sink {
    status apply(const wal_batch& b) override {
      for (const auto& e : b.floats)
        seen += std::to_string(e.ts) + "=" + std::to_string(e.value).substr(0, 3) + " ";
      if (!b.tombstones.empty())
        seen += "t ";
      return {};
    }
    std::string seen;
  } sink;
  auto dir = wal_directory::open(log.settings);
  ASSERT_TRUE(dir.ok());
  auto reader = wal_reader::open_replay(**dir, 0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->step(sink, 1 << 20).ok());
  EXPECT_EQ(sink.seen, "1=1.5 t 3=4.5 4=6.0 t 5=7.0 ");
  EXPECT_EQ((*reader)->report().frames_recovered, 3u);
  EXPECT_EQ((*reader)->report().frames_missing, 1u);
}

TEST(wal_damage, between_two_gaps_floats_are_counted_and_the_rest_given_back) {
  log_fixture log(19);
  log.settings.key_frame_interval = 16;
  ASSERT_TRUE(log.start().ok());
  auto table = table_of({make_series({{"__name__", "a"}})});
  for (int i = 1; i <= 8; ++i) {
    write_batch b = simple_batch(table, i, {i * 1.5});
    b.exemplars.push_back({{labels::from({{"id", std::to_string(i)}}), 1, i}, 0});
    ASSERT_TRUE(log.writer->append(b).ok());
  }
  ASSERT_TRUE(log.writer->close().ok());
  section_collector whole = read_sections(log);
  auto frames = frames_of(log);
  for (size_t damaged : {2, 6})
    log.fs.flip_bit(frames[damaged].path, frames[damaged].offset + 50, 2);
  section_collector found = read_sections(log);
  EXPECT_EQ(found.damaged_against(whole).size(), 5u);
  size_t exemplars = 0;
  for (const auto& [id, content] : found.sections)
    exemplars += content.exemplars.size();
  EXPECT_EQ(exemplars, 6u);
  EXPECT_EQ(log.report.samples_lost, 3u);
  EXPECT_EQ(log.report.count(wal_loss::behind_gap), 3u);
}

TEST(wal_damage, a_disk_that_refuses_a_range_costs_that_range) {
  log_fixture log(20);
  write_log(log, false);
  section_collector whole = read_sections(log);
  uint64_t reads = log.fs.operations(support::op_read);
  read_sections(log);
  reads = log.fs.operations(support::op_read) - reads;
  ASSERT_GT(reads, 5u);
  for (uint64_t n = 1; n <= reads; ++n) {
    log.fs.fail_only_on("-00000002.wal");
    log.fs.fail_nth(n, errc::io_error, false, support::op_read);
    read_sections(log).damaged_against(whole);
    log.fs.clear_faults();
  }
  log.fs.fail_only_on("-00000002.wal");
  log.fs.fail_nth(2, errc::io_error, true, support::op_read);
  EXPECT_FALSE(read_sections(log).damaged_against(whole).empty());
  EXPECT_GE(log.report.count(wal_loss::read_error), 1u);
}

}  // namespace
}  // namespace troupe::storage
