// What the tests of remote write's sending side share: a node's log on a simulated disk, the writer
// over it, and a receiver that counts. One owner.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "pipeline/remote/write_codec.h"
#include "pipeline/send/remote_writer.h"
#include "storage/wal/wal_door.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::send {

using sample_key = std::pair<std::string, timestamp_ms>;

/// What requests carried, decoded.
class receiver {
 public:
  void take(const http::fetch_request& r);

  std::map<sample_key, double> values;
  std::map<sample_key, int> times;   ///< how often each was taken
  std::vector<sample_key> order;     ///< as they came
  std::set<std::string> histograms;  ///< "series @ts count"
  std::set<std::string> exemplars;   ///< "series labels value"
  std::map<std::string, metadata> families;
  /// Taken more than once.
  size_t doubled() const;

 private:
  manual_clock clk_;
};
/// Samples, histograms and exemplars of a request.
size_t entries_in(const http::fetch_request& r);

class SendTest : public testing::Test {
 protected:
  SendTest();

  /// A start of the process, with the configuration of the moment.
  void start();
  /// kill -9.
  void kill();
  void apply() { writer->apply(std::make_shared<const config::config>(conf)); }
  config::remote_write_config& block() { return conf.remote_write.front(); }

  /// Rows of one sample of `series` series of a target, a second apart.
  void write(size_t rows, const std::string& target = "a", size_t series = 3);
  /// Time passes, requests are made.
  void pass(int64_t ms);
  /// Answers all requests that are under way, and those that follow, until none is made.
  void answer(int code, http::headers fields = {});
  void answer_one(size_t index, int code, http::headers fields = {});
  /// Time passes with a receiver that takes everything.
  void deliver(int64_t ms);
  /// A checkpoint takes over all but the newest segment, which nobody but holds needs then.
  void condense();
  double metric(const std::string& name, const std::string& reason = {});
  size_t in_flight() const;

  storage::log_fixture log{1};
  std::unique_ptr<storage::wal_door> door;
  std::unique_ptr<registry> metrics = std::make_unique<registry>();
  config::config conf;
  destination_options options;
  std::unique_ptr<memory_budget> memory;  ///< null: no bound
  std::vector<std::pair<std::string, metadata>> described;
  std::unique_ptr<remote_writer> writer;
  std::vector<http::fetch_request> wire;  ///< under way
  receiver got;
  std::map<sample_key, double> written;
  std::map<std::string, timestamp_ms> last;
};

}  // namespace troupe::send
