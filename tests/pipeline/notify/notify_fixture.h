// Alerts, endpoints and answers for the tests of pipeline/notify.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/notify/alert.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::http {
// The notifier only passes these on; the tests need objects to point at.
class client_settings {};
class endpoint {
 public:
  std::string url;
};
}  // namespace troupe::http

namespace troupe::notify {

inline constexpr int64_t second_ns = 1'000'000'000;

/// The alert called `name`, of which `generation` is one state.
inline alert_ptr make_alert(const std::string& name, int generation = 0) {
  auto a = std::make_shared<alert>();
  a->identity = labels::from({{"alertname", name}});
  a->annotations = {{"generation", std::to_string(generation)}};
  a->starts_at = 1'700'000'000'000;
  a->ends_at = a->starts_at + 240'000;
  return a;
}

inline std::vector<alert_ptr> make_alerts(int count) {
  std::vector<alert_ptr> out;
  for (int i = 0; i < count; ++i)
    out.push_back(make_alert("a" + std::to_string(i)));
  return out;
}

inline http::fetch_result answer(uint64_t token, int code) {
  http::fetch_result r;
  r.token = token;
  r.code = code;
  r.duration_ns = 5'000'000;
  return r;
}

inline http::fetch_result no_answer(uint64_t token) {
  http::fetch_result r;
  r.token = token;
  r.error = {errc::unavailable, "connection refused"};
  return r;
}

}  // namespace troupe::notify
