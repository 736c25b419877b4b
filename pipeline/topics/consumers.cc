#include "pipeline/topics/consumers.h"

#include "storage/base/log.h"

#include <algorithm>
#include <set>

namespace troupe::topics {
namespace {

const logger in_log("consume");

}  // namespace

consumers::consumers(consume_environment env)
    : env_(std::move(env)),
      credentials_(*env_.files),
      quarantine_(*env_.files, *env_.metrics, env_.quarantine) {}

consumers::~consumers() = default;

void consumers::apply(const std::shared_ptr<const config::config>& conf) {
  conf_ = conf;
  auto before = std::exchange(all_, {});
  const auto& own = conf->own;
  const auto renewed = credentials_.take(own.kafka);
  std::vector<std::pair<const config::consume_config*, const config::kafka_config*>> made;
  for (const auto& c : own.consume) {
    const auto cluster = std::find_if(own.kafka.begin(), own.kafka.end(),
                                      [&](const auto& k) { return k.name == c.kafka; });
    if (cluster == own.kafka.end())
      continue;
    const auto same = std::find_if(before.begin(), before.end(), [&](const auto& b) {
      return b != nullptr && b->config() == c && b->cluster() == *cluster &&
             !renewed.contains(c.kafka);
    });
    if (same != before.end())
      all_.push_back(std::move(*same));
    else
      made.emplace_back(&c, &*cluster);
  }
  // One that follows under the same name reads what these write.
  for (const auto& b : before)
    if (b != nullptr)
      b->close();
  before.clear();
  const consumption_parts parts{env_.files, env_.metrics, env_.kafka, &quarantine_,
                                env_.known, &next_token_, env_.folder};
  for (const auto& [c, cluster] : made)
    all_.push_back(std::make_unique<consumption>(*c, *cluster, parts));
  forget_others();
}

// Offsets of consumptions that are gone.
void consumers::forget_others() {
  const std::string suffix = consumption::offsets_file("");
  std::set<std::string> ours;
  for (const auto& c : all_)
    ours.insert(consumption::offsets_file(c->config().name));
  const auto files = env_.files->list(env_.folder);
  if (!files.ok())
    return;
  for (const auto& f : *files)
    if (f.name.ends_with(suffix) && !ours.contains(f.name))
      if (const status s = env_.files->remove_file(join_path(env_.folder, f.name)); !s.ok())
        in_log.warn("cannot remove offsets: {}", s.message());
}

std::vector<delivery> consumers::step(int64_t now_ms, int64_t now_ns) {
  if (conf_ && !stopping_ && credentials_.look(conf_->own.kafka, now_ns))
    apply(conf_);
  std::vector<delivery> out;
  for (const auto& c : all_) {
    c->set_paused(env_.switches != nullptr &&
                  env_.switches->is_paused(stages::stage::consume, c->config().name, now_ns));
    auto more = c->step(now_ms, now_ns);
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }
  return out;
}

void consumers::on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes,
                          int64_t now_ms, int64_t now_ns) {
  for (const auto& c : all_)
    if (c->on_stored(token, outcomes, now_ms, now_ns))
      return;
}

std::vector<std::pair<std::string, timestamp_ms>> consumers::take_progress() {
  std::vector<std::pair<std::string, timestamp_ms>> out;
  for (const auto& c : all_)
    if (const auto until = c->take_progress())
      out.emplace_back(c->config().name, *until);
  return out;
}

std::vector<consumption_state> consumers::states() const {
  std::vector<consumption_state> out;
  for (const auto& c : all_)
    out.push_back(c->state());
  return out;
}

bool consumers::is_hungry() const {
  return std::any_of(all_.begin(), all_.end(), [](const auto& c) { return c->is_hungry(); });
}

void consumers::stop() {
  stopping_ = true;
  for (const auto& c : all_)
    c->stop();
}

bool consumers::idle() const {
  return std::none_of(all_.begin(), all_.end(), [](const auto& c) { return c->is_storing(); });
}

}  // namespace troupe::topics
