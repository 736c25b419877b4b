#include "pipeline/federate/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace troupe::federate {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t describe_ns = 60'000'000'000;
/// A subscriber that has not asked for so long is away: its files are closed, its hold stays.
constexpr int64_t away_ns = 60'000'000'000;
constexpr int64_t longest_wait_ms = 30'000;
constexpr size_t most_name_bytes = 100;

status refused(std::string why) {
  return {errc::invalid_argument, std::move(why)};
}

stream_answer failed(status why) {
  stream_answer out;
  out.error = std::move(why);
  return out;
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

struct source::subscriber {
  subscriber(registry& r, const std::string& name)
      : samples(r.get_counter("troupe_federation_feed_samples_total",
                              "Samples, histograms and exemplars handed to a subscriber.",
                              {{"subscription", name}})),
        bytes(r.get_counter("troupe_federation_feed_bytes_total",
                            "Bytes handed to a subscriber, compressed.", {{"subscription", name}})),
        gaps(r.get_counter("troupe_federation_feed_gaps_total",
                           "Times that log was gone which a subscriber had still to get.",
                           {{"subscription", name}})),
        lag(r.get_gauge("troupe_federation_feed_lag_seconds",
                        "Age of the oldest sample that a subscriber has not got, at its last "
                        "answer.",
                        {{"subscription", name}})) {}

  std::unique_ptr<feed> from;  ///< null: it is away, or its requests fail
  stream_request asked;
  reply done;  ///< empty: no request waits
  std::shared_ptr<const std::atomic<bool>> gone;
  int64_t until_ns = 0;  ///< the request waits so long
  int64_t heard_ns = 0;  ///< when it asked last
  counter &samples, &bytes, &gaps;
  gauge& lag;
};

source::source(source_environment env)
    : env_(std::move(env)),
      subscriptions_(
          env_.metrics->get_gauge("troupe_federation_feed_subscriptions",
                                  "Subscriptions of other nodes that log is kept for.")) {
  subscriptions_.set(static_cast<double>(known()));
}

source::~source() = default;

void source::set_external_labels(std::map<std::string, std::string> labels) {
  if (labels == external_labels_)
    return;
  external_labels_ = std::move(labels);
  for (auto& [name, s] : subscribers_) {
    if (s->done)
      answer(*s, failed({errc::unavailable, "the configuration has changed"}));
    s->from.reset();
  }
}

// Those that are away are known by their holds.
size_t source::known() const {
  std::set<std::string> names;
  for (const auto& h : env_.feeds.log->holds())
    if (h.starts_with(feed::hold_prefix))
      names.insert(h.substr(0, h.rfind('/')));
  return names.size();
}

status source::admit(const stream_request& r) {
  if (stopping_)
    return {errc::unavailable, "the node is stopping"};
  if (!env_.readable())
    return {errc::unavailable, "the node is replaying its log"};
  if (r.subscription.empty() || r.subscription.size() > most_name_bytes ||
      !std::all_of(r.subscription.begin(), r.subscription.end(), is_plain))
    return refused("the name of a subscription has 1 to 100 of a-z A-Z 0-9 - _ .");
  if (subscribers_.contains(r.subscription))
    return {};
  const auto holds = env_.feeds.log->holds();
  const bool held =
      std::find(holds.begin(), holds.end(), feed::hold_name(r.subscription, 0)) != holds.end();
  if (!held && known() >= env_.feeds.options.most_subscriptions)
    return {errc::unavailable, fmt::format("there are {} subscriptions already "
                                           "(--troupe.federation.max-subscriptions)",
                                           env_.feeds.options.most_subscriptions)};
  return {};
}

void source::ask(stream_request r, std::shared_ptr<const std::atomic<bool>> gone, reply done,
                 timestamp_ms now_ms, int64_t now_ns) {
  if (status s = admit(r); !s.ok())
    return done(failed(std::move(s)));
  auto& slot = subscribers_[r.subscription];
  if (!slot)
    slot = std::make_unique<subscriber>(*env_.metrics, r.subscription);
  subscriber& s = *slot;
  if (s.done)
    answer(s, failed({errc::unavailable, "the subscription asks on another connection"}));
  if (s.from && !s.from->go_on(r))
    s.from.reset();
  if (!s.from) {
    auto opened = feed::open(env_.feeds, r, external_labels_);
    if (!opened.ok()) {
      subscribers_.erase(r.subscription);
      return done(failed(opened.error()));
    }
    s.from = std::move(*opened);
    subscriptions_.set(static_cast<double>(known()));
  }
  s.heard_ns = now_ns;
  s.until_ns = now_ns + std::clamp<int64_t>(r.wait_ms, 0, longest_wait_ms) * ns_per_ms;
  s.asked = std::move(r);
  s.gone = std::move(gone);
  s.done = std::move(done);
  describe(now_ns);
  poll(s, now_ms, now_ns);
}

void source::describe(int64_t now_ns) {
  if (now_ns < next_description_ns_)
    return;
  next_description_ns_ = now_ns + describe_ns;
  described_.add(env_.described());
}

void source::answer(subscriber& s, stream_answer a) {
  s.samples.add(static_cast<double>(a.samples));
  s.bytes.add(static_cast<double>(a.body.size()));
  if (a.error.ok())
    s.lag.set(static_cast<double>(a.lag_ms) / 1000);
  else
    s.from.reset();
  if (a.gap)
    s.gaps.add();
  std::exchange(s.done, nullptr)(std::move(a));
}

void source::poll(subscriber& s, timestamp_ms now_ms, int64_t now_ns) {
  auto got = s.from->poll(now_ns >= s.until_ns, described_, now_ms, now_ns);
  if (got)
    answer(s, std::move(*got));
}

void source::step(timestamp_ms now_ms, int64_t now_ns) {
  for (auto& [name, s] : subscribers_) {
    if (s->done && s->gone && s->gone->load(std::memory_order_relaxed))
      answer(*s, failed({errc::canceled, "the subscriber is gone"}));
    if (s->done) {
      s->heard_ns = now_ns;
      poll(*s, now_ms, now_ns);
    } else if (now_ns - s->heard_ns >= away_ns) {
      s->from.reset();
    }
  }
}

status source::forget(const std::string& subscription) {
  if (const auto at = subscribers_.find(subscription); at != subscribers_.end()) {
    if (at->second->done)
      answer(*at->second, failed({errc::canceled, "the subscription is over"}));
    subscribers_.erase(at);
  }
  bool any = false;
  for (const auto& h : env_.feeds.log->holds())
    if (h.substr(0, h.rfind('/')) == std::string(feed::hold_prefix) + subscription) {
      TROUPE_TRY(env_.feeds.log->release(h));
      any = true;
    }
  subscriptions_.set(static_cast<double>(known()));
  return any ? status() : status(errc::not_found, "there is no such subscription");
}

bool source::is_asked() const {
  return std::any_of(subscribers_.begin(), subscribers_.end(),
                     [](const auto& s) { return s.second->done != nullptr; });
}

bool source::is_in_use() const {
  return std::any_of(subscribers_.begin(), subscribers_.end(),
                     [](const auto& s) { return s.second->from != nullptr; });
}

void source::stop() {
  stopping_ = true;
  for (auto& [name, s] : subscribers_)
    if (s->done)
      answer(*s, failed({errc::unavailable, "the node is stopping"}));
}

}  // namespace troupe::federate
