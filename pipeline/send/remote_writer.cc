#include "pipeline/send/remote_writer.h"

#include "config/text.h"
#include "config/topic_stream.h"
#include "pipeline/credentials/grants.h"
#include "pipeline/send/kept.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::send {
namespace {

const logger out_log("remote_write");

constexpr int64_t try_again_ns = 30'000'000'000;
constexpr size_t short_name_digits = 6;

}  // namespace

struct remote_writer::target {
  std::string id;
  config::remote_write_config config;
  std::map<std::string, std::string> external_labels;
  config::name_validation validation = config::name_validation::utf8;
  bool from_run = false;
  std::unique_ptr<figures> metrics;
  std::unique_ptr<destination> to;  ///< null: could not be made
  std::string error;
  int64_t next_try_ns = 0;

  bool same(const target& o) const {
    return id == o.id && config == o.config && external_labels == o.external_labels &&
           validation == o.validation;
  }
};

remote_writer::remote_writer(destination_options options, writer_environment env)
    : options_(options), env_(std::move(env)) {}

remote_writer::~remote_writer() = default;

void remote_writer::apply(const std::shared_ptr<const config::config>& conf) {
  conf_ = conf;
  auto before = std::exchange(targets_, {});
  std::map<std::string, size_t> seen;
  for (const auto& c : conf->remote_write) {
    // Those are publications (pipeline/topics).
    if (config::is_topic_url(c.url))
      continue;
    auto t = std::make_unique<target>();
    // Queue, relabelling and credentials may change without a sample being lost or sent again.
    const std::string key = c.name.empty() ? c.url : "name " + c.name;
    const size_t turn = seen[key]++;
    t->id = fmt::format("{:016x}", xxh3(turn == 0 ? key : fmt::format("{} {}", key, turn)));
    t->config = c;
    t->external_labels = conf->global.external_labels;
    t->validation = conf->global.validation;
    t->from_run = first_;
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& b) { return b != nullptr && b->same(*t); });
    targets_.push_back(same != before.end() ? std::move(*same) : std::move(t));
  }
  // A successor reads what they leave.
  for (const auto& b : before)
    if (b != nullptr && b->to)
      b->to->flush();
  first_ = false;
  to_forget_ = true;
}

status remote_writer::make(target& t) {
  auto rules = std::make_shared<series_rules>();
  TROUPE_ASSIGN(rules->relabelling,
                relabel::rules::compile(t.config.write_relabel_configs, t.validation));
  rules->external_labels = t.external_labels;
  TROUPE_ASSIGN(auto settings, env_.endpoints.settings(t.config.client));
  destination_parts parts;
  TROUPE_ASSIGN(parts.grants, credentials::grants_of(t.config, {env_.environment, env_.files}));
  TROUPE_ASSIGN(parts.to, env_.endpoints.endpoint(t.config.url, std::move(settings), {}));
  TROUPE_TRY(env_.files->create_directories(env_.folder));
  parts.log = env_.log;
  parts.files = env_.files;
  parts.memory = env_.memory;
  parts.id = t.id;
  parts.cursor_path = cursor_path(env_.folder, t.id);
  parts.rules = std::move(rules);
  parts.described = env_.described;
  t.metrics = std::make_unique<figures>(
      *env_.metrics, t.config.name.empty() ? t.id.substr(0, short_name_digits) : t.config.name,
      config::mask_url(t.config.url));
  parts.metrics = t.metrics.get();
  t.to = std::make_unique<destination>(t.config, options_, std::move(parts), t.from_run);
  return {};
}

void remote_writer::start(target& t, int64_t now_ns) {
  if (t.to || now_ns < t.next_try_ns)
    return;
  t.next_try_ns = now_ns + try_again_ns;
  const status s = make(t);
  if (!s.ok() && t.error != s.message())
    out_log.error("{}: {}", config::mask_url(t.config.url), s.message());
  t.error = s.message();
}

std::vector<http::fetch_request> remote_writer::step(timestamp_ms now_ms, int64_t now_ns) {
  std::vector<http::fetch_request> out;
  for (auto& t : targets_) {
    if (!stopping_)
      start(*t, now_ns);
    if (!t->to)
      continue;
    auto more = t->to->step(next_token_, now_ms, now_ns);
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }
  if (to_forget_ && std::all_of(targets_.begin(), targets_.end(),
                                [](const auto& t) { return t->to && t->to->begun(); })) {
    to_forget_ = false;
    std::vector<std::string> ids;
    for (const auto& t : targets_)
      ids.push_back(t->id);
    forget_others({env_.log, env_.files, env_.folder, std::string(destination::hold_prefix)}, ids,
                  out_log);
  }
  return out;
}

void remote_writer::on_result(const http::fetch_result& got, timestamp_ms now_ms, int64_t now_ns) {
  for (auto& t : targets_)
    if (t->to && t->to->on_result(got, now_ms, now_ns))
      return;
}

void remote_writer::stop() {
  stopping_ = true;
  for (auto& t : targets_)
    if (t->to)
      t->to->stop();
}

bool remote_writer::idle() const {
  return std::all_of(targets_.begin(), targets_.end(),
                     [](const auto& t) { return !t->to || t->to->idle(); });
}

void remote_writer::flush() {
  for (auto& t : targets_)
    if (t->to)
      t->to->flush();
}

}  // namespace troupe::send
