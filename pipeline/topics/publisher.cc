#include "pipeline/topics/publisher.h"

#include "config/topic_stream.h"
#include "pipeline/send/kept.h"
#include "query/parser/parser.h"
#include "storage/base/log.h"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::topics {
namespace {

const logger out_log("publish");

constexpr int64_t try_again_ns = 30'000'000'000;
/// So long one that is no longer configured may take to hand over what is under way.
constexpr int64_t leave_ns = 5'000'000'000;

}  // namespace

struct publisher::target {
  config::topic_stream stream;
  std::map<std::string, std::string> external_labels;
  config::name_validation validation = config::name_validation::utf8;
  bool from_run = false;
  std::unique_ptr<publish_figures> metrics;
  std::unique_ptr<publication> to;  ///< null: could not be made
  std::string error;
  int64_t next_try_ns = 0;
  int64_t leaves_ns = 0;
  bool paused = false;

  bool same(const target& o) const {
    return stream == o.stream && external_labels == o.external_labels && validation == o.validation;
  }
};

publisher::publisher(session_options options, publisher_environment env)
    : options_(options), env_(std::move(env)), credentials_(*env_.files) {}

publisher::~publisher() = default;

void publisher::apply(const std::shared_ptr<const config::config>& conf) {
  conf_ = conf;
  const auto renewed = credentials_.take(conf->own.kafka);
  auto before = std::exchange(targets_, {});
  for (auto& s : config::topic_streams(*conf)) {
    auto t = std::make_unique<target>();
    t->stream = std::move(s);
    if (t->stream.of_remote_write)
      t->stream.to.keep_bytes = env_.remote_write_keep_bytes;
    t->external_labels = conf->global.external_labels;
    t->validation = conf->global.validation;
    t->from_run = first_;
    const auto same = std::find_if(before.begin(), before.end(), [&](const auto& b) {
      return b != nullptr && b->same(*t) && !renewed.contains(t->stream.to.kafka);
    });
    targets_.push_back(same != before.end() ? std::move(*same) : std::move(t));
  }
  // A successor goes on where they end.
  for (auto& b : before)
    if (b != nullptr && b->to) {
      b->to->stop();
      leaving_.push_back(std::move(b));
    }
  first_ = false;
  to_forget_ = true;
}

status publisher::make(target& t) {
  const config::publish_config& c = t.stream.to;
  if (env_.kafka == nullptr)
    return {errc::unsupported, "this node has no Kafka"};
  // Readers take sessions of a node for one behind the other.
  for (const auto& other : targets_) {
    if (other.get() == &t)
      break;
    if (other->stream.to.kafka == c.kafka && other->stream.to.topic == c.topic)
      return {errc::invalid_argument, other->stream.to.name + " writes into this topic already"};
  }
  auto rules = std::make_shared<send::series_rules>();
  for (const auto& text : c.match) {
    auto one = query::parse_metric_selector(text);
    if (!one.ok())
      return one.error().with_context("selector " + text);
    rules->selectors.push_back(std::move(*one));
  }
  rules->external_labels = c.labels;
  rules->external_labels.insert(t.external_labels.begin(), t.external_labels.end());
  TROUPE_ASSIGN(rules->relabelling, relabel::rules::compile(t.stream.relabelling, t.validation));
  TROUPE_TRY(env_.files->create_directories(env_.folder));
  t.metrics = std::make_unique<publish_figures>(*env_.metrics, c.name);
  publication_parts p;
  p.log = env_.log;
  p.files = env_.files;
  p.memory = env_.memory;
  p.cursor_path = send::cursor_path(env_.folder, c.name);
  p.rules = std::move(rules);
  p.described = env_.described;
  p.metrics = t.metrics.get();
  p.node = env_.node;
  p.sessions = &sessions_;
  p.connect = [kafka = env_.kafka, cluster = t.stream.cluster,
               topic = kafka::topic_options{c.topic, static_cast<uint32_t>(c.partitions),
                                            static_cast<uint32_t>(c.replication_factor), true}] {
    return kafka->make_producer(cluster, topic);
  };
  session_options o = options_;
  o.histograms = t.stream.histograms;
  o.exemplars = t.stream.exemplars;
  o.age_limit_ms = t.stream.age_limit_ms;
  t.to = std::make_unique<publication>(c, o, std::move(p), t.from_run);
  return {};
}

void publisher::start(target& t, const moment& now) {
  if (t.to || now.ns < t.next_try_ns || stopping_ || is_leaving(t.stream.to.name))
    return;
  t.next_try_ns = now.ns + try_again_ns;
  const status s = make(t);
  if (!s.ok() && t.error != s.message())
    out_log.error("{}: {}", t.stream.to.name, s.message());
  t.error = s.message();
}

bool publisher::is_leaving(const std::string& name) const {
  return std::any_of(leaving_.begin(), leaving_.end(),
                     [&](const auto& t) { return t->stream.to.name == name; });
}

bool publisher::step_leaving(const moment& now) {
  bool more = false;
  std::erase_if(leaving_, [&](const auto& t) {
    if (t->leaves_ns == 0)
      t->leaves_ns = now.ns + leave_ns;
    more = t->to->step(now) || more;
    if (!t->to->is_idle() && now.ns < t->leaves_ns)
      return false;
    t->to->flush();
    for (gauge* g : {&t->metrics->lag_seconds, &t->metrics->lag_bytes, &t->metrics->queued_bytes,
                     &t->metrics->up})
      g->set(0);
    return true;
  });
  return more;
}

bool publisher::step(timestamp_ms now_ms, int64_t now_ns) {
  const moment now{now_ms, now_ns};
  if (conf_ && !stopping_ && credentials_.look(conf_->own.kafka, now.ns))
    apply(conf_);
  bool more = step_leaving(now);
  for (auto& t : targets_) {
    t->paused = env_.switches != nullptr &&
                env_.switches->is_paused(stages::stage::publish, t->stream.to.name, now.ns);
    start(*t, now);
    if (!t->to)
      continue;
    t->to->set_paused(t->paused);
    more = t->to->step(now) || more;
  }
  if (to_forget_ && leaving_.empty() &&
      std::all_of(targets_.begin(), targets_.end(),
                  [](const auto& t) { return t->to && t->to->is_begun(); })) {
    to_forget_ = false;
    std::vector<std::string> names;
    for (const auto& t : targets_)
      names.push_back(t->stream.to.name);
    send::forget_others({env_.log, env_.files, env_.folder, std::string(publication::hold_prefix)},
                        names, out_log);
  }
  return more;
}

void publisher::stop() {
  stopping_ = true;
  for (auto& t : targets_)
    if (t->to)
      t->to->stop();
}

bool publisher::idle() const {
  const auto is_idle = [](const auto& t) { return !t->to || t->to->is_idle(); };
  return std::all_of(targets_.begin(), targets_.end(), is_idle) &&
         std::all_of(leaving_.begin(), leaving_.end(), is_idle);
}

void publisher::flush() {
  for (auto* all : {&targets_, &leaving_})
    for (auto& t : *all)
      if (t->to)
        t->to->flush();
}

std::vector<publication_state> publisher::states() const {
  std::vector<publication_state> out;
  for (const auto& t : targets_) {
    publication_state s;
    s.name = t->stream.to.name;
    s.topic = t->stream.to.topic;
    s.paused = t->paused;
    s.last_error = t->error;
    if (t->to) {
      s.up = t->to->is_up();
      s.down_since = t->to->down_since();
      s.lag_ms = t->to->lag_ms();
      s.lag_bytes = t->to->lag_bytes();
      s.dropped = t->to->dropped();
      s.last_error = t->to->last_error();
    }
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace troupe::topics
