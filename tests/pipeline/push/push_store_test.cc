#include "pipeline/push/push_store.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace troupe::push {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const grouping backup{{"job", "backup"}};
const grouping db1{{"instance", "db1"}, {"job", "backup"}};

class push_store_test : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    unread.clear();
    auto got = push_store::open(fs, options, unread);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    store = std::move(*got);
  }
  status push(const grouping& group, std::string_view body, bool replace = true,
              int64_t now_ms = 5'000) {
    auto families = read_pushed(body, parse::exposition_format::text, group);
    if (!families.ok())
      return families.error();
    return store->push(group, std::move(*families), replace, now_ms);
  }

  support::sim_file_system fs{1};
  push_store_options options{"data/pushgateway"};
  std::vector<std::string> unread;
  std::unique_ptr<push_store> store;
};

TEST_F(push_store_test, exposes_families_of_all_groups_together) {
  ASSERT_TRUE(push(backup, "# HELP n A\\nB.\n# TYPE n counter\nn{x=\"1\"} 2\nn 3\n").ok());
  ASSERT_TRUE(push(db1, "# TYPE n counter\nn{job=\"mine\"} 4\n", true, 7'500).ok());
  EXPECT_EQ(store->exposition(), R"(# HELP n A\nB.
# TYPE n counter
n{instance="db1",job="backup"} 4
n{job="backup",x="1",instance=""} 2
n{job="backup",instance=""} 3
# HELP push_time_seconds Last Unix time when changing this group in the Pushgateway succeeded.
# TYPE push_time_seconds gauge
push_time_seconds{instance="db1",job="backup"} 7.5
push_time_seconds{job="backup",instance=""} 5
# HELP push_failure_time_seconds Last Unix time when changing this group in the Pushgateway failed.
# TYPE push_failure_time_seconds gauge
push_failure_time_seconds{instance="db1",job="backup"} 0
push_failure_time_seconds{job="backup",instance=""} 0
)");
}

TEST_F(push_store_test, put_replaces_the_group_and_post_the_families) {
  ASSERT_TRUE(push(backup, "a 1\nb{x=\"1\"} 1\n").ok());
  ASSERT_TRUE(push(backup, "b{x=\"2\"} 2\n", false).ok());
  EXPECT_THAT(store->exposition(), HasSubstr("a{"));
  EXPECT_THAT(store->exposition(), Not(HasSubstr("x=\"1\"")));
  ASSERT_TRUE(push(backup, "c 3\n").ok());
  EXPECT_THAT(store->exposition(), Not(HasSubstr("a{")));
  EXPECT_THAT(store->exposition(), HasSubstr("c{job=\"backup\",instance=\"\"} 3\n"));
}

TEST_F(push_store_test, parts_of_a_histogram_are_one_family) {
  const std::string_view h =
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n";
  ASSERT_TRUE(push(backup, h).ok());
  ASSERT_TRUE(
      push(backup, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 9\nh_sum 1\nh_count 9\n", false)
          .ok());
  EXPECT_THAT(store->exposition(), Not(HasSubstr("le=\"1\"")));
}

TEST_F(push_store_test, bounds_are_numbers) {
  ASSERT_TRUE(push(backup,
                   "# TYPE t histogram\nt_bucket{le=\"1.0\"} 1\nt_bucket{le=\"+Inf\"} 1\n"
                   "t_sum 1\nt_count 1\n# TYPE s summary\ns{quantile=\"0.50\"} 1\n"
                   "g{le=\"1.0\"} 1\n")
                  .ok());
  const auto shown = store->exposition();
  for (const char* series :
       {"t_bucket{job=\"backup\",le=\"1\"", "t_bucket{job=\"backup\",le=\"+Inf\"",
        "s{job=\"backup\",quantile=\"0.5\"", "g{job=\"backup\",le=\"1.0\""})
    EXPECT_THAT(shown, HasSubstr(series));
  EXPECT_EQ(push(db1, "# TYPE t histogram\nt_bucket{le=\"x\"} 1\n").code(), errc::invalid_argument);
  EXPECT_EQ(push(db1, "# TYPE t histogram\nt_bucket{le=\"1\"} 1\nt_bucket{le=\"1.0\"} 1\n").code(),
            errc::invalid_argument);
}

TEST_F(push_store_test, inconsistent_pushes_are_refused_and_noted) {
  ASSERT_TRUE(push(backup, "# TYPE n counter\nn 1\n").ok());
  ASSERT_TRUE(push(db1, "m 1\n").ok());
  EXPECT_THAT(push(db1, "# TYPE n gauge\nn 1\n", true, 9'000).to_string(),
              HasSubstr("inconsistent"));
  EXPECT_THAT(store->exposition(),
              HasSubstr("push_failure_time_seconds{instance=\"db1\",job=\"backup\"} 9\n"));
  EXPECT_THAT(store->exposition(), HasSubstr("m{"));
  // Nobody else has it: a group may change its own mind.
  EXPECT_TRUE(push(backup, "# TYPE n gauge\nn 1\n").ok());
  EXPECT_THAT(push(backup, "n 1 1000\n").to_string(), HasSubstr("must not have timestamps"));
  EXPECT_THAT(push(backup, "n 1\nn 2\n").to_string(), HasSubstr("twice"));
  EXPECT_THAT(push(backup, "n{job=\"a\"} 1\nn{job=\"b\"} 2\n").to_string(), HasSubstr("twice"));
  EXPECT_THAT(push(backup, "push_time_seconds 1\n").to_string(), HasSubstr("made by the receiver"));
  EXPECT_THAT(push(backup, "n{ 1\n").to_string(), HasSubstr("line 1"));
}

TEST_F(push_store_test, groups_survive_a_power_cut_and_a_removal_does) {
  ASSERT_TRUE(push(backup, "# HELP n N.\n# TYPE n counter\nn 1e300\n").ok());
  ASSERT_TRUE(push(db1, "m NaN\n").ok());
  const auto before = store->exposition();
  fs.crash();
  open();
  EXPECT_EQ(store->exposition(), before);
  ASSERT_TRUE(store->remove(backup).ok());
  ASSERT_TRUE(store->remove(backup).ok());
  fs.crash();
  open();
  EXPECT_EQ(store->groups(), 1u);
  ASSERT_TRUE(store->wipe().ok());
  fs.crash();
  open();
  EXPECT_EQ(store->exposition(), "");
}

std::map<std::string, int64_t> times_of(const push_store& store, const grouping& of) {
  std::map<std::string, int64_t> out;
  store.visit([&](const grouping& group, const pushed_group& g) {
    if (group == of)
      for (const auto& [name, f] : g.families)
        out[name] = f.pushed_ms;
  });
  return out;
}

TEST_F(push_store_test, families_have_times_of_their_own) {
  ASSERT_TRUE(push(backup, "a 1\nb 1\n").ok());
  ASSERT_TRUE(push(backup, "b 2\n", false, 6'000).ok());
  const std::map<std::string, int64_t> expected{{"a", 5'000}, {"b", 6'000}};
  EXPECT_EQ(times_of(*store, backup), expected);
  open();
  EXPECT_EQ(times_of(*store, backup), expected);
}

TEST_F(push_store_test, reads_the_first_form_of_files) {
  std::string file = "TRPUSH01";
  put_varint(file, 1);
  put_bytes(file, "job");
  put_bytes(file, "backup");
  put_svarint(file, 7'000);
  put_svarint(file, 0);
  put_varint(file, 1);
  put_bytes(file, "n");
  put_bytes(file, "N.");
  put_u8(file, static_cast<uint8_t>(metric_type::counter));
  put_varint(file, 1);
  put_bytes(file, "n{job=\"backup\",instance=\"\"}");
  put_fixed(file, 3.0);
  put_u32(file, crc32c(file));
  fs.put("data/pushgateway/old.push", file);
  open();
  EXPECT_THAT(unread, IsEmpty());
  EXPECT_THAT(store->exposition(), HasSubstr("n{job=\"backup\",instance=\"\"} 3\n"));
  EXPECT_EQ(times_of(*store, backup), (std::map<std::string, int64_t>{{"n", 7'000}}));
}

TEST_F(push_store_test, a_damaged_file_costs_its_group) {
  ASSERT_TRUE(push(backup, "n 1\n").ok());
  ASSERT_TRUE(push(db1, "m 1\n").ok());
  const auto files = fs.files("data/pushgateway");
  ASSERT_THAT(files, SizeIs(2));
  fs.flip_bit(files[0], fs.content(files[0]).size() / 2, 3);
  open();
  EXPECT_THAT(unread, SizeIs(1));
  EXPECT_EQ(store->groups(), 1u);
}

TEST_F(push_store_test, bounds_hold) {
  options.max_bytes = 2'000;
  options.max_groups = 1;
  open();
  ASSERT_TRUE(push(backup, "n 1\n").ok());
  EXPECT_EQ(push(db1, "m 1\n").code(), errc::resource_exhausted);
  std::string large;
  for (int i = 0; i < 100; ++i)
    large += "n{i=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_EQ(push(backup, large).code(), errc::resource_exhausted);
  EXPECT_THAT(store->exposition(), HasSubstr("n{job=\"backup\",instance=\"\"} 1\n"));
}

}  // namespace
}  // namespace troupe::push
