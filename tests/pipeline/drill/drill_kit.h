// What the tests of drills share: a system of a source and other regions over virtual time, behind
// the HTTP answers of its nodes. One owner.
#pragma once

#include "pipeline/drill/rehearsal.h"
#include "storage/base/clock.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::drill {

/// A sample as the source took it.
struct logged_sample {
  std::string series;
  timestamp_ms ts = 0;
  double value = 0;
  timestamp_ms taken_at = 0;
};

class sim_node final : public node_link {
 public:
  struct stage {
    std::string stage, name, other_end;
    int64_t paused_until_ns = 0;
    bool up = true;
    double lag_seconds = 0;
    size_t next = 0;  ///< sample of the source that it brings next
  };

  sim_node(std::string url, manual_clock& clk) : url_(std::move(url)), clock_(clk) {}

  const std::string& url() const override { return url_; }
  void get(uint64_t token, std::string_view path) override { post(token, path, {}); }
  void post(uint64_t token, std::string_view path, const http::params& form) override;
  void write(uint64_t token, std::string body) override;
  std::vector<reply> take() override { return std::exchange(replies_, {}); }

  bool is_paused(const stage& s) const { return clock_.monotonic_ns() < s.paused_until_ns; }
  stage& find(const std::string& stage, const std::string& name);
  bool has_paused() const;
  void store(const std::string& series, timestamp_ms ts, double value, bool twin = false) {
    stored[{series, twin}][ts] = value;
  }

  bool dead = false;
  std::function<void(std::string_view path)> on_request;  ///< may be empty
  std::set<std::string> failing;                          ///< paths that answer with status 500
  std::map<std::string, std::string> flags{{"web.enable-admin-api", "true"},
                                           {"web.enable-remote-write-receiver", "true"}};
  int write_code = 204;
  int64_t clock_off_ms = 0;
  std::vector<stage> stages;
  std::vector<std::pair<std::string, http::params>> asked;  ///< what was posted to change something
  /// By series and whether it is the second one of its number.
  std::map<std::pair<std::string, bool>, std::map<timestamp_ms, double>> stored;
  std::vector<logged_sample> log;  ///< what it took by remote write

 private:
  std::string body_of(std::string_view path, const http::params& form);
  std::string stages_json() const;
  std::string topics_json() const;
  std::string watermarks_json() const;
  std::string query(const std::string& text) const;
  void change(std::string_view path, const http::params& form);

  const std::string url_;
  manual_clock& clock_;
  std::vector<reply> replies_;
};

/// Region east, which west takes over by Kafka and south directly.
class DrillTest : public testing::Test {
 protected:
  DrillTest();

  drill_report run();
  /// At a time after the begin of the run.
  void at(int64_t ms, std::function<void()> what) { events_.emplace(ms, std::move(what)); }
  bool said(std::string_view text) const;
  static bool has(const std::vector<std::string>& lines, std::string_view text);
  void expect_tidy(bool removed = true);

  manual_clock clk;
  sim_node east{"http://east:9090", clk}, west{"http://west:9090", clk},
      south{"http://south:9090", clk};
  drill_options options;
  int64_t delay_ms = 300;  ///< of every link
  /// What becomes of the n-th sample of the source at a node; may be empty.
  std::function<bool(const sim_node&at, size_t n)> loses, doubles, changes, passes_pauses;
  bool stopped = false;
  std::vector<std::string> steps;

 private:
  void pass(int64_t ms);
  void move(sim_node& to, sim_node::stage& s);

  std::multimap<int64_t, std::function<void()>> events_;
  int64_t begin_ns_ = 0;
};

}  // namespace troupe::drill
