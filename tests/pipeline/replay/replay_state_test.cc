#include "pipeline/replay/replay_state.h"

#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::replay {
namespace {

using ::testing::HasSubstr;

replay_state some_state() {
  replay_state s;
  s.of = {"metrics", {-5, 1'700'000'000'000}, {"up", "{a=\"b\"}"}, {{"x", "y"}}, "http://h/write"};
  s.at = {{0, {5, false}}, {7, {1LL << 40, true}}};
  return s;
}

TEST(replay_state, comes_back) {
  support::sim_file_system fs(1);
  const auto s = some_state();
  state_file file(fs, "/s");
  EXPECT_TRUE(file.load(s.of)->empty());
  ASSERT_TRUE(file.store(s).ok());
  ASSERT_TRUE(file.store(s).ok());
  EXPECT_EQ(*state_file(fs, "/s").load(s.of), s.at);
}

TEST(replay_state, that_of_another_replay_is_refused_by_name) {
  support::sim_file_system fs(1);
  const auto s = some_state();
  ASSERT_TRUE(state_file(fs, "/s").store(s).ok());
  const auto error = [&](const std::function<void(replay_subject&)>& change) {
    auto of = s.of;
    change(of);
    const auto got = state_file(fs, "/s").load(of);
    EXPECT_EQ(got.code(), errc::invalid_argument);
    return std::string(got.error().message());
  };
  EXPECT_EQ(error([](auto& of) { of.topic = "other"; }),
            "/s: it is the state of a replay with another topic: metrics, not other");
  EXPECT_THAT(error([](auto& of) { of.window.from = 1; }), HasSubstr("another --from"));
  EXPECT_THAT(error([](auto& of) { of.window.to = max_time; }),
              HasSubstr("another --to: 2023-11-14T22:13:20.000Z, not none"));
  EXPECT_THAT(error([](auto& of) { of.match.clear(); }), HasSubstr("another --match"));
  EXPECT_THAT(error([](auto& of) { of.labels["x"] = "z"; }), HasSubstr("another --label"));
  EXPECT_THAT(error([](auto& of) { of.url = "http://other"; }), HasSubstr("another --to-url"));
}

TEST(replay_state, damage_is_an_error) {
  support::sim_file_system fs(1);
  const auto s = some_state();
  ASSERT_TRUE(state_file(fs, "/s").store(s).ok());
  const auto whole = *read_file(fs, "/s");
  for (size_t i = 0; i < whole.size(); ++i) {
    auto bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    ASSERT_TRUE(write_file_atomically(fs, "/s", bytes).ok());
    EXPECT_EQ(state_file(fs, "/s").load(s.of).code(), errc::invalid_argument) << i;
    ASSERT_TRUE(write_file_atomically(fs, "/s", whole.substr(0, i)).ok());
    EXPECT_EQ(state_file(fs, "/s").load(s.of).code(), errc::invalid_argument) << i;
  }
  const auto content = encode(s);
  for (size_t i = 0; i < content.size(); ++i)
    EXPECT_FALSE(decode_state(content.substr(0, i)).ok());
  EXPECT_FALSE(decode_state(content + "x").ok());
}

}  // namespace
}  // namespace troupe::replay
