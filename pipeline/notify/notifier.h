// Hands alerts to all Alertmanagers: external labels, relabelling, one queue and one request at a
// time for each, so that a slow or dead one delays nobody else. Finds them by static, file and HTTP
// discovery. Plain class behind the notify actor; one owner; times are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/discover/environment.h"
#include "pipeline/discover/group_sources.h"
#include "pipeline/http/http.h"
#include "pipeline/notify/alert.h"
#include "pipeline/notify/alertmanager.h"
#include "pipeline/notify/alertmanagers_state.h"
#include "pipeline/notify/send_loop.h"
#include "pipeline/relabel/relabel.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::notify {

struct notifier_options {
  size_t queue_capacity = 10'000;  ///< of each Alertmanager, in alerts
  size_t batch_size = 256;
  bool drain_on_stop = true;  ///< --alertmanager.drain-notification-queue-on-shutdown
};

class notifier {
 public:
  notifier(notifier_options options, discover::discovery_environment env);
  ~notifier();

  /// Takes a new configuration in force: entries and Alertmanagers that did not change keep their
  /// queues.
  void apply(const std::shared_ptr<const config::config>& conf, int64_t now_ns);
  /// Queues alerts for every Alertmanager known now. Without one they are dropped, as in
  /// Prometheus.
  void send(const std::vector<alert_ptr>& alerts);
  /// The requests to make now, of discovery and to Alertmanagers; their results go to on_result().
  /// Call about ten times a second.
  std::vector<http::fetch_request> tick(int64_t now_ns);
  void on_result(const http::fetch_result& got, int64_t now_ns);

  /// Takes no more alerts; without drain_on_stop what waits is dropped. Go on with tick() until
  /// idle(), then or at the deadline abandon().
  void stop();
  /// Nothing waits and nothing is in flight.
  bool idle() const;
  /// Drops what still waits, counted.
  void abandon();
  /// Never null.
  std::shared_ptr<const alertmanagers_state> state() const { return state_; }
  size_t queued() const;

 private:
  // One entry of alerting.alertmanagers.
  struct entry {
    config::alertmanager_config config;
    std::string error;  ///< not empty: the entry gives no Alertmanagers
    alertmanager_resolver resolver;
    relabel::rules alert_rules;
    discover::client_settings_ptr client;
    discover::grant_source_ptr grants;  ///< null: requests are not signed
    std::unique_ptr<discover::group_sources> sources;
    std::vector<std::unique_ptr<send_loop>> loops;
    std::vector<std::string> dropped, errors;
  };
  struct probe;

  std::unique_ptr<entry> make_entry(const config::alertmanager_config& config, size_t index,
                                    entry* before, int64_t now_ns);
  status prepare(entry& e) const;
  void resolve(entry& e);
  std::unique_ptr<send_loop> make_loop(const entry& e, const std::string& url, std::string& error);
  void watch_folders();
  void publish();
  /// With external labels and after `rules`; alerts that these drop are left out.
  static std::vector<alert_ptr> relabelled(const std::vector<alert_ptr>& alerts,
                                           const std::map<std::string, std::string>& external,
                                           const relabel::rules& rules);

  notifier_options options_;
  discover::discovery_environment env_;
  std::unique_ptr<probe> probe_;
  std::shared_ptr<const config::config> conf_;
  relabel::rules rules_;
  std::string rules_error_;
  std::vector<std::unique_ptr<entry>> entries_;
  /// While apply() runs: of entries that changed, for their successors to take over what waits.
  std::vector<std::unique_ptr<send_loop>> orphans_;
  std::shared_ptr<const alertmanagers_state> state_;
  uint64_t next_token_ = 1;
  bool stopping_ = false;
};

}  // namespace troupe::notify
