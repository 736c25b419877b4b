// A region of the global view, ready to be asked: its nodes in turn, so many requests at one time.
// Thread-safe; lives until its last request is over.
#pragma once

#include "config/global_view_config.h"
#include "pipeline/http/http.h"
#include "storage/base/clock.h"
#include "storage/base/stats.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::global {

/// All must outlive the regions.
struct region_environment {
  const clock* clk = nullptr;
  registry* metrics = nullptr;
  /// As http::fetcher::fetch().
  std::function<void(std::vector<http::fetch_request>, http::fetcher::done_fn)> fetch;
  /// How endpoints with a block's client settings come about; may be called from any thread.
  using endpoint_fn = std::function<result<http::endpoint_ptr>(const std::string& url)>;
  std::function<result<endpoint_fn>(const config::global_view_config&)> endpoints;
};

/// One request, to whichever node of a region answers it.
struct question {
  std::string method = "POST";
  std::string target;  ///< path and parameters of the API, encoded
  http::headers header_fields;
  std::string body;
  bool want_headers = false;  ///< of the answer
};

/// `error` is `unavailable` and names the region if none of its nodes answered. Else the answer is
/// a 2xx, or one that says what is wrong with the question.
struct region_answer {
  status error;
  http::fetch_result result;
  bool refused() const { return error.ok() && result.code / 100 != 2; }
};

/// As /api/v1/status/global_view shows it.
struct region_state {
  std::string name;
  std::vector<std::string> urls;  ///< the next one to be asked first; no passwords
  std::string state;              ///< "unknown", "up", "down"
  timestamp_ms last_answer_ms = 0;
  size_t in_flight = 0, waiting = 0;
  std::string last_error;  ///< "": there was none
  timestamp_ms last_error_ms = 0;
};

class region : public std::enable_shared_from_this<region> {
 public:
  using done_fn = std::function<void(region_answer)>;
  struct errand;
  using errand_ptr = std::shared_ptr<errand>;

  /// invalid_argument if the client settings do not hold.
  static result<std::shared_ptr<region>> create(config::global_view_config from,
                                                const region_environment& env);

  const std::string& name() const { return config_.name; }
  const config::global_view_config& config() const { return config_; }

  /// Sends it when fewer than max_concurrent requests are under way, first come, first served.
  /// `done` is called once unless the errand is given up before; on any thread, maybe before this
  /// returns.
  errand_ptr ask(question q, int64_t deadline_ns, done_fn done);
  /// Nobody waits for the answer any more. True if the request was still waiting to be sent. What
  /// is under way keeps its place until it is over.
  bool give_up(const errand_ptr& e);
  region_state state() const;

  /// Names of labels that its servers add to what is read raw; nothing if nobody has looked of
  /// late.
  std::optional<std::set<std::string>> added_labels() const;
  /// What was found now; nothing: what was known goes on. Gives what holds from here.
  std::set<std::string> note_added_labels(std::optional<std::set<std::string>> names);

 private:
  struct node {
    std::string url;
    std::string shown_url;  ///< without a password
    int64_t shunned_until_ns = 0;
  };

  region(config::global_view_config from, const region_environment& env);
  void send(const errand_ptr& e);
  void on_result(const errand_ptr& e, size_t node, http::fetch_result&& r);
  void finish(const errand_ptr& e, region_answer&& answer, counter& outcome);
  size_t choose(errand& e);
  status unavailable(std::string_view why) const;

  const config::global_view_config config_;
  const region_environment env_;
  region_environment::endpoint_fn endpoint_;
  counter& answered_;
  counter& refused_;
  counter& failed_;
  counter& given_up_;
  gauge& under_way_;
  bucket_histogram& seconds_;

  mutable std::mutex lock_;  ///< guards all below; never held while anything is called
  std::vector<node> nodes_;
  size_t first_ = 0;  ///< the node that answered last
  size_t in_flight_ = 0;
  std::deque<errand_ptr> waiting_;
  bool up_ = false;
  timestamp_ms last_answer_ms_ = 0, last_error_ms_ = 0;
  std::string last_error_;
  std::set<std::string> added_labels_;
  int64_t labels_hold_until_ns_ = 0;
};
using region_ptr = std::shared_ptr<region>;

}  // namespace troupe::global
