#include "pipeline/global/region.h"

#include "config/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe::global {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr double ns_per_second = 1e9;
/// A node that did not answer is asked after the others for so long.
constexpr int64_t shunned_ns = 10'000 * ns_per_ms;
/// A server's external labels change with its configuration, seldom.
constexpr int64_t labels_hold_ns = 300'000 * ns_per_ms;
constexpr size_t max_shown_body = 256;

counter& requests_of(registry& m, const std::string& name, const char* outcome) {
  return m.get_counter("troupe_global_view_requests_total", "Requests to regions.",
                       {{"region", name}, {"outcome", outcome}});
}

// It says what is wrong with the question: another node would say the same.
bool is_refusal(int code) {
  return code == 400 || code == 413 || code == 422;
}

// Another node of the region would fare no better.
bool is_final(const status& error) {
  return error.code() == errc::out_of_bounds || error.code() == errc::resource_exhausted ||
         error.code() == errc::canceled;
}

std::string why_failed(const http::fetch_result& r) {
  if (!r.error.ok())
    return std::string(r.error.message());
  std::string_view body(r.body);
  while (body.ends_with('\n'))
    body.remove_suffix(1);
  return fmt::format("HTTP status {}: {}", r.code, body.substr(0, max_shown_body));
}

}  // namespace

struct region::errand {
  question q;
  int64_t deadline_ns = 0;
  done_fn done;
  // Guarded by the region's lock.
  bool wanted = true;
  int64_t began_ns = 0;
  std::vector<size_t> untried;
  std::string failures;
};

region::region(config::global_view_config from, const region_environment& env)
    : config_(std::move(from)),
      env_(env),
      answered_(requests_of(*env.metrics, config_.name, "answered")),
      refused_(requests_of(*env.metrics, config_.name, "refused")),
      failed_(requests_of(*env.metrics, config_.name, "failed")),
      given_up_(requests_of(*env.metrics, config_.name, "given_up")),
      under_way_(env.metrics->get_gauge("troupe_global_view_inflight",
                                        "Requests to regions that are under way.",
                                        {{"region", config_.name}})),
      seconds_(env.metrics->get_histogram("troupe_global_view_request_duration_seconds",
                                          "From a request to a region to its answer or failure.",
                                          {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
                                          {{"region", config_.name}})) {
  for (const auto& u : config_.urls) {
    std::string url = u;
    while (url.ends_with('/'))
      url.pop_back();
    nodes_.push_back({url, config::mask_url(url), 0});
  }
}

result<std::shared_ptr<region>> region::create(config::global_view_config from,
                                               const region_environment& env) {
  std::shared_ptr<region> out(new region(std::move(from), env));
  TROUPE_ASSIGN(out->endpoint_, env.endpoints(out->config_));
  for (const auto& n : out->nodes_) {
    TROUPE_ASSIGN([[maybe_unused]] const auto checked, out->endpoint_(n.url));
  }
  return out;
}

status region::unavailable(std::string_view why) const {
  return {errc::unavailable, fmt::format("region \"{}\" did not answer: {}", config_.name, why)};
}

region::errand_ptr region::ask(question q, int64_t deadline_ns, done_fn done) {
  auto e = std::make_shared<errand>();
  e->q = std::move(q);
  e->deadline_ns = deadline_ns;
  e->done = std::move(done);
  {
    const std::lock_guard guard(lock_);
    for (size_t i = 0; i < nodes_.size(); ++i)
      e->untried.push_back(i);
    if (in_flight_ >= config_.max_concurrent) {
      waiting_.push_back(e);
      return e;
    }
    ++in_flight_;
  }
  under_way_.add(1);
  send(e);
  return e;
}

bool region::give_up(const errand_ptr& e) {
  const std::lock_guard guard(lock_);
  e->wanted = false;
  const auto at = std::find(waiting_.begin(), waiting_.end(), e);
  if (at == waiting_.end())
    return false;
  waiting_.erase(at);
  return true;
}

// The one that answered last before the others, those that failed of late behind them.
size_t region::choose(errand& e) {
  const int64_t now = env_.clk->monotonic_ns();
  const auto rank = [&](size_t i) {
    return std::tuple(nodes_[i].shunned_until_ns > now, i != first_, i);
  };
  const auto best = std::min_element(e.untried.begin(), e.untried.end(),
                                     [&](size_t a, size_t b) { return rank(a) < rank(b); });
  const size_t out = *best;
  e.untried.erase(best);
  return out;
}

void region::send(const errand_ptr& e) {
  http::fetch_request r;
  size_t node = 0;
  std::string url;
  {
    const std::lock_guard guard(lock_);
    const int64_t now = env_.clk->monotonic_ns();
    if (e->began_ns == 0)
      e->began_ns = now;
    node = choose(*e);
    url = nodes_[node].url + e->q.target;
    // Each node that may still be asked has its share of the time.
    const auto share = static_cast<int64_t>(e->untried.size()) + 1;
    r.timeout_ms = std::max<int64_t>((e->deadline_ns - now) / ns_per_ms / share, 1);
  }
  auto to = endpoint_(url);
  if (!to.ok()) {
    http::fetch_result failed;
    failed.error = to.error();
    return on_result(e, node, std::move(failed));
  }
  r.to = std::move(*to);
  r.method = e->q.method;
  r.header_fields = e->q.header_fields;
  r.body = e->q.body;
  r.want_headers = e->q.want_headers;
  r.max_body_bytes = config_.max_answer_bytes;
  std::vector<http::fetch_request> batch;
  batch.push_back(std::move(r));
  env_.fetch(std::move(batch), [self = shared_from_this(), e, node](auto results) {
    self->on_result(e, node, std::move(results.at(0)));
  });
}

void region::on_result(const errand_ptr& e, size_t node, http::fetch_result&& r) {
  const bool refused = r.error.ok() && is_refusal(r.code);
  if (refused || (r.error.ok() && r.code / 100 == 2)) {
    {
      const std::lock_guard guard(lock_);
      first_ = node;
      nodes_[node].shunned_until_ns = 0;
      up_ = true;
      last_answer_ms_ = env_.clk->now_ms();
    }
    return finish(e, {{}, std::move(r)}, refused ? refused_ : answered_);
  }
  bool more = false;
  status error;
  {
    const std::lock_guard guard(lock_);
    const int64_t now = env_.clk->monotonic_ns();
    const std::string why = nodes_[node].shown_url + ": " + why_failed(r);
    e->failures += (e->failures.empty() ? "" : "; ") + why;
    if (r.error.code() != errc::canceled) {
      nodes_[node].shunned_until_ns = now + shunned_ns;
      last_error_ = why;
      last_error_ms_ = env_.clk->now_ms();
      up_ = false;
    }
    more = e->wanted && !e->untried.empty() && now < e->deadline_ns && !is_final(r.error);
    error = unavailable(e->failures);
  }
  if (more)
    return send(e);
  finish(e, {std::move(error), {}}, failed_);
}

void region::finish(const errand_ptr& e, region_answer&& answer, counter& outcome) {
  errand_ptr next;
  bool wanted = false;
  int64_t began_ns = 0;
  {
    const std::lock_guard guard(lock_);
    wanted = e->wanted;
    e->wanted = false;
    began_ns = e->began_ns;
    if (waiting_.empty()) {
      --in_flight_;
    } else {
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
  }
  (wanted ? outcome : given_up_).add();
  seconds_.observe(static_cast<double>(env_.clk->monotonic_ns() - began_ns) / ns_per_second);
  if (next == nullptr)
    under_way_.add(-1);
  if (wanted)
    e->done(std::move(answer));
  if (next != nullptr)
    send(next);
}

std::optional<std::set<std::string>> region::added_labels() const {
  const std::lock_guard guard(lock_);
  if (env_.clk->monotonic_ns() >= labels_hold_until_ns_)
    return std::nullopt;
  return added_labels_;
}

std::set<std::string> region::note_added_labels(std::optional<std::set<std::string>> names) {
  const std::lock_guard guard(lock_);
  if (names)
    added_labels_ = std::move(*names);
  labels_hold_until_ns_ = env_.clk->monotonic_ns() + labels_hold_ns;
  return added_labels_;
}

region_state region::state() const {
  const std::lock_guard guard(lock_);
  region_state out;
  out.name = config_.name;
  for (size_t i = 0; i < nodes_.size(); ++i)
    out.urls.push_back(nodes_[(first_ + i) % nodes_.size()].shown_url);
  out.state = up_ ? "up" : last_error_ms_ != 0 ? "down" : "unknown";
  out.last_answer_ms = last_answer_ms_;
  out.in_flight = in_flight_;
  out.waiting = waiting_.size();
  out.last_error = last_error_;
  out.last_error_ms = last_error_ms_;
  return out;
}

}  // namespace troupe::global
