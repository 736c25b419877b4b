// The simulated disk behaves as the kernel's where nothing fails, and loses what is not durable at
// a crash.
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <set>

namespace troupe::support {
namespace {

std::string outcome(const status& s) {
  return std::string(to_string(s.code()));
}

template <class T>
std::string outcome(const result<T>& r) {
  return std::string(to_string(r.code()));
}

/// Random operations; returns a transcript of all outcomes and the final tree.
std::string play(file_system& fs, const std::string& root, uint64_t seed) {
  seeded_random random(seed);
  std::vector<std::string> names = {"a", "b", "d/x", "d/y", "d/e/z", "f/g", "d-1/x", "d.z"};
  auto any = [&] { return join_path(root, names[random.below(names.size())]); };
  auto any_dir = [&] {
    const char* dirs[] = {"d", "d/e", "f", "d-1"};
    return join_path(root, dirs[random.below(4)]);
  };
  std::string log;
  for (int i = 0; i < 120; ++i) {
    std::string data(random.below(3000), static_cast<char>('a' + i % 26));
    switch (random.below(13)) {
      case 0:
        log += outcome(fs.create_directories(any_dir()));
        break;
      case 1:
      case 2: {
        auto file = random.below(2) ? fs.create(any()) : fs.open_append(any());
        log += outcome(file);
        if (file.ok()) {
          log += outcome((*file)->append(data));
          log += outcome((*file)->reserve(5000));
          log += outcome((*file)->sync());
          log += std::to_string((*file)->size());
          log += outcome((*file)->close());
        }
        break;
      }
      case 3: {
        std::string from = any(), to = any();
        if (from != to)
          log += outcome(fs.rename(from, to));
        break;
      }
      case 4:
        log += outcome(fs.remove_file(any()));
        break;
      case 5:
        if (random.below(4) == 0)
          log += outcome(fs.remove_all(any_dir()));
        break;
      case 6:
        log += outcome(fs.truncate(any(), random.below(2000)));
        break;
      case 7: {
        auto file = fs.open_read(any());
        log += outcome(file);
        std::string out;
        if (file.ok())
          log += outcome((*file)->read(random.below(2000), 700, out)) + out +
                 std::to_string((*file)->size());
        break;
      }
      case 8: {
        auto map = fs.map(any());
        log += outcome(map);
        if (map.ok())
          log += (*map)->data();
        break;
      }
      case 9: {
        auto entries = fs.list(any_dir());
        log += outcome(entries);
        if (entries.ok())
          for (const auto& e : *entries)
            log += e.name + (e.is_directory ? "/" : "") + ",";
        break;
      }
      case 10: {
        std::string from = any(), to = any();
        if (from != to)
          log += outcome(fs.link_or_copy(from, to));
        break;
      }
      case 11:
        log += fs.exists(any()) ? "yes" : "no";
        log += outcome(fs.file_size(any()));
        break;
      default:
        log += outcome(fs.sync_directory(any_dir()));
    }
    log += "\n";
  }
  for (const auto& name : names)
    log += name + "=" + read_file(fs, join_path(root, name)).value_or("(none)") + "\n";
  log += std::to_string(fs.tree_size(root).value_or(0));
  return log;
}

TEST(sim_file_system, does_what_the_kernel_does) {
  auto posix = make_posix_file_system();
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    std::string root = (std::filesystem::temp_directory_path() /
                        ("sim_fs_test_" + std::to_string(getpid()) + "_" + std::to_string(seed)))
                           .string();
    sim_file_system sim(seed);
    ASSERT_TRUE(posix->create_directories(root).ok());
    ASSERT_TRUE(sim.create_directories(root).ok());
    std::string want = play(*posix, root, seed);
    std::string got = play(sim, root, seed);
    posix->remove_all(root).ignore();
    ASSERT_EQ(got, want) << "seed " << seed;
  }
}

TEST(sim_file_system, a_crash_keeps_what_is_synced_and_may_lose_or_tear_the_rest) {
  std::set<std::string> shapes;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    sim_file_system fs(seed);
    ASSERT_TRUE(fs.create_directories("d").ok());
    auto file = *fs.create("d/f");
    ASSERT_TRUE(file->append(std::string(1000, 'a')).ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(fs.sync_directory("d").ok());
    EXPECT_EQ(fs.durable_size("d/f"), 1000u);
    ASSERT_TRUE(file->append(std::string(1500, 'b')).ok());
    ASSERT_TRUE(file->append(std::string(1500, 'c')).ok());
    fs.crash();
    EXPECT_EQ(file->append("x").code(), errc::io_error) << "the handle died with the process";
    std::string after = fs.content("d/f");
    ASSERT_GE(after.size(), 1000u);
    EXPECT_EQ(after.substr(0, 1000), std::string(1000, 'a'));
    if (after.size() == 1000)
      shapes.insert("lost");
    else if (after == std::string(1000, 'a') + std::string(1500, 'b') + std::string(1500, 'c'))
      shapes.insert("kept");
    else if (after.find('\0') != std::string::npos)
      shapes.insert("torn");
    else
      shapes.insert("short");
  }
  EXPECT_EQ(shapes.size(), 4u);
}

TEST(sim_file_system, names_need_a_directory_sync) {
  std::set<bool> found;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    sim_file_system fs(seed);
    ASSERT_TRUE(fs.create_directories("d").ok());
    ASSERT_TRUE(write_file_atomically(fs, "d/kept", "1").ok());
    auto file = *fs.create("d/f");
    ASSERT_TRUE(file->append("data").ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(fs.rename("d/kept", "d/moved").ok());
    fs.crash();
    found.insert(fs.exists("d/f"));
    EXPECT_NE(fs.exists("d/kept"), fs.exists("d/moved")) << "a rename is one step";
    EXPECT_EQ(fs.content(fs.exists("d/kept") ? "d/kept" : "d/moved"), "1");
  }
  EXPECT_EQ(found.size(), 2u);
}

TEST(sim_file_system, a_renamed_folder_moves_whole_or_not_at_all) {
  std::set<bool> found;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    sim_file_system fs(seed);
    ASSERT_TRUE(fs.create_directories("d/tmp").ok());
    for (const char* name : {"d/tmp/a", "d/tmp/b"}) {
      auto file = *fs.create(name);
      ASSERT_TRUE(file->append("x").ok());
      ASSERT_TRUE(file->sync().ok());
    }
    ASSERT_TRUE(fs.sync_directory("d/tmp").ok());
    ASSERT_TRUE(fs.rename("d/tmp", "d/block").ok());
    if (seed % 2 == 0) {
      ASSERT_TRUE(fs.sync_directory("d").ok());
    }
    fs.crash();
    bool moved = fs.exists("d/block");
    found.insert(moved);
    if (seed % 2 == 0) {
      EXPECT_TRUE(moved);
    }
    std::string dir = moved ? "d/block" : "d/tmp";
    EXPECT_NE(fs.exists("d/tmp"), moved);
    EXPECT_EQ(fs.content(dir + "/a") + fs.content(dir + "/b"), "xx");
  }
  EXPECT_EQ(found.size(), 2u);
}

TEST(sim_file_system, the_same_seed_crashes_the_same_way) {
  auto run = [](uint64_t seed) {
    sim_file_system fs(seed);
    fs.create_directories("d").ignore();
    for (int i = 0; i < 10; ++i) {
      auto file = *fs.create("d/" + std::to_string(i));
      file->append(std::string(2000, 'x')).ignore();
      if (i % 3 == 0)
        fs.sync_directory("d").ignore();
    }
    fs.crash();
    std::string out;
    for (const auto& f : fs.files())
      out += f + ":" + fs.content(f) + "\n";
    return out;
  };
  std::set<std::string> histories;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(run(seed), run(seed));
    histories.insert(run(seed));
  }
  EXPECT_GT(histories.size(), 15u);
}

TEST(sim_file_system, a_failed_sync_dooms_its_bytes_for_good) {
  size_t lost = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    sim_file_system fs(seed);
    auto file = *fs.create("f");
    ASSERT_TRUE(fs.sync_directory(".").ok());
    ASSERT_TRUE(file->append(std::string(2000, 'a')).ok());
    fs.fail_nth(1, errc::io_error, false, op_sync);
    EXPECT_EQ(file->sync().code(), errc::io_error);
    EXPECT_TRUE(fs.fault_struck());
    EXPECT_TRUE(file->sync().ok());
    EXPECT_EQ(fs.durable_size("f"), 0u);
    fs.crash();
    lost += fs.content("f") != std::string(2000, 'a');
  }
  EXPECT_GT(lost, 20u);
}

TEST(sim_file_system, faults_strike_when_planned) {
  sim_file_system fs(1);
  auto file = *fs.create("f");
  fs.fail_nth(3, errc::no_space, true, op_append);
  EXPECT_TRUE(file->append("a").ok());
  EXPECT_TRUE(file->sync().ok());
  EXPECT_TRUE(file->append("a").ok());
  EXPECT_EQ(file->append("aaaa").code(), errc::no_space);
  EXPECT_EQ(file->append("a").code(), errc::no_space);
  fs.clear_faults();
  EXPECT_TRUE(file->append("a").ok());
  fs.fail_only_on("other");
  fs.fail_nth(1, errc::io_error);
  EXPECT_TRUE(file->append("a").ok());
  EXPECT_EQ(fs.create("other").code(), errc::io_error);
  EXPECT_EQ(fs.operations(op_append), 6u);
}

TEST(sim_file_system, space_is_limited_and_reservations_count) {
  sim_file_system fs(1);
  fs.set_space_limit(10'000);
  auto file = *fs.create("f");
  EXPECT_TRUE(file->reserve(8'000).ok());
  EXPECT_EQ(fs.used_bytes(), 8'000u);
  EXPECT_EQ(*fs.free_bytes("f"), 2'000u);
  auto other = *fs.create("g");
  EXPECT_EQ(other->append(std::string(3'000, 'x')).code(), errc::no_space);
  EXPECT_TRUE(file->append(std::string(8'000, 'x')).ok()) << "inside its reservation";
  ASSERT_TRUE(fs.remove_file("g").ok());
  EXPECT_TRUE(fs.truncate("f", 100).ok());
  EXPECT_EQ(fs.used_bytes(), 100u);
}

TEST(sim_file_system, syncs_cost_what_the_callback_says) {
  sim_file_system fs(1);
  uint64_t bytes = 0, calls = 0;
  fs.on_sync([&](uint64_t n) {
    bytes += n;
    ++calls;
  });
  auto file = *fs.create("f");
  ASSERT_TRUE(file->append("12345").ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(file->sync().ok());
  ASSERT_TRUE(fs.sync_directory(".").ok());
  EXPECT_EQ(bytes, 5u);
  EXPECT_EQ(calls, 3u);
}

TEST(sim_file_system, locks_are_exclusive_and_end_with_the_process) {
  sim_file_system fs(1);
  auto held = fs.lock("lock");
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(fs.lock("lock").code(), errc::already_exists);
  fs.kill();
  auto again = fs.lock("lock");
  ASSERT_TRUE(again.ok());
  held->reset();
  EXPECT_EQ(fs.lock("lock").code(), errc::already_exists) << "an old holder frees nothing";
  again->reset();
  EXPECT_TRUE(fs.lock("lock").ok());
}

TEST(sim_file_system, an_unsynced_truncation_may_come_back) {
  std::set<std::string> found;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    sim_file_system fs(seed);
    fs.put("f", "0123456789");
    ASSERT_TRUE(fs.truncate("f", 4).ok());
    fs.crash();
    found.insert(fs.content("f"));
  }
  EXPECT_EQ(found, (std::set<std::string>{"0123", "0123456789"}));
}

}  // namespace
}  // namespace troupe::support
