#include "pipeline/federate/subscriber.h"

#include "config/text.h"
#include "pipeline/federate/stream_http.h"
#include "pipeline/http/url.h"
#include "pipeline/send/kept.h"
#include "storage/base/log.h"

#include <algorithm>
#include <utility>

namespace troupe::federate {
namespace {

const logger in_log("federation");

constexpr int64_t try_again_ns = 30'000'000'000;
/// Of an answer beyond the time that the source holds it.
constexpr int64_t answer_timeout_ms = 20'000;

std::string stream_url(std::string root) {
  while (root.ends_with('/'))
    root.pop_back();
  return root + std::string(stream_path);
}

}  // namespace

struct subscriber::target {
  config::federation_config config;
  std::unique_ptr<subscription> from;  ///< null: could not be made
  http::endpoint_ptr to;
  uint64_t token = 0;  ///< of its request, until what it gave is stored
  std::string error;
  int64_t next_try_ns = 0;
};

subscriber::subscriber(subscriber_environment env) : env_(std::move(env)) {}

subscriber::~subscriber() = default;

std::string subscriber::cursor_path(const std::string& name) const {
  return send::cursor_path(env_.folder, name);
}

void subscriber::apply(const std::shared_ptr<const config::config>& conf) {
  auto before = std::exchange(targets_, {});
  for (const auto& c : conf->own.federation) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& b) { return b != nullptr && b->config == c; });
    if (same != before.end()) {
      targets_.push_back(std::move(*same));
      continue;
    }
    auto t = std::make_unique<target>();
    t->config = c;
    targets_.push_back(std::move(t));
  }
  for (const auto& b : before) {
    const auto goes_on = [&](const auto& t) {
      return t->config.name == b->config.name && t->config.url == b->config.url;
    };
    if (b != nullptr && std::none_of(targets_.begin(), targets_.end(), goes_on))
      leave(*b);
  }
  std::vector<std::string> names;
  for (const auto& t : targets_)
    names.push_back(t->config.name);
  send::forget_others({nullptr, env_.files, env_.folder, {}}, names, in_log);
}

// Said once: a source that does not hear it keeps what it may, and tells of it.
void subscriber::leave(const target& t) {
  if (!t.from)
    return;
  http::fetch_request r;
  r.to = t.to;
  r.method = "DELETE";
  r.header_fields = {{"Content-Type", "application/x-www-form-urlencoded"}};
  r.body = http::encode_form({{"subscription", t.from->name_at_source()}});
  farewells_.push_back(std::move(r));
}

status subscriber::make(target& t, int64_t now_ns) {
  TROUPE_ASSIGN(auto settings, env_.endpoints.settings(t.config.client));
  TROUPE_ASSIGN(t.to, env_.endpoints.endpoint(stream_url(t.config.url), std::move(settings), {}));
  TROUPE_TRY(env_.files->create_directories(env_.folder));
  t.from = std::make_unique<subscription>(t.config,
                                          subscription_parts{env_.files, env_.metrics, env_.known,
                                                             cursor_path(t.config.name), env_.node},
                                          now_ns);
  return {};
}

void subscriber::start(target& t, int64_t now_ns) {
  if (t.from || now_ns < t.next_try_ns)
    return;
  t.next_try_ns = now_ns + try_again_ns;
  const status s = make(t, now_ns);
  if (!s.ok() && t.error != s.message())
    in_log.error("{}: {}", config::mask_url(t.config.url), s.message());
  t.error = s.message();
}

void subscriber::look_at_switch(target& t, int64_t now_ns) {
  if (env_.switches != nullptr)
    t.from->set_paused(env_.switches->is_paused(stages::stage::federate, t.config.name, now_ns));
}

std::vector<http::fetch_request> subscriber::step(int64_t now_ns) {
  std::vector<http::fetch_request> out = std::exchange(farewells_, {});
  for (auto& r : out)
    r.token = next_token_++;
  for (auto& t : targets_) {
    if (!stopping_)
      start(*t, now_ns);
    if (!t->from)
      continue;
    look_at_switch(*t, now_ns);
    const auto asked = t->from->step(now_ns);
    if (!asked)
      continue;
    http::fetch_request r;
    r.token = t->token = next_token_++;
    r.to = t->to;
    r.method = "POST";
    r.header_fields = {{"Content-Type", "application/x-www-form-urlencoded"}};
    r.body = to_form(*asked);
    r.timeout_ms = asked->wait_ms + answer_timeout_ms;
    r.want_headers = true;
    out.push_back(std::move(r));
  }
  return out;
}

subscriber::target* subscriber::find(uint64_t token) {
  const auto at = std::find_if(targets_.begin(), targets_.end(),
                               [&](const auto& t) { return t->from && t->token == token; });
  return at == targets_.end() ? nullptr : at->get();
}

std::optional<delivery> subscriber::on_result(http::fetch_result got, int64_t now_ns) {
  const uint64_t token = got.token;
  target* t = find(token);
  if (t == nullptr)
    return std::nullopt;
  look_at_switch(*t, now_ns);
  auto batches = t->from->on_answer(read_answer(std::move(got)), now_ns);
  if (batches.empty())
    return std::nullopt;
  return delivery{token, std::move(batches)};
}

void subscriber::on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes,
                           int64_t now_ns) {
  if (target* t = find(token); t != nullptr)
    t->from->on_stored(outcomes, now_ns);
}

std::vector<std::pair<std::string, int64_t>> subscriber::take_progress() {
  std::vector<std::pair<std::string, int64_t>> out;
  for (auto& t : targets_)
    if (const auto lag = t->from ? t->from->take_progress() : std::nullopt)
      out.emplace_back(t->config.name, *lag);
  return out;
}

void subscriber::stop() {
  stopping_ = true;
  for (auto& t : targets_)
    if (t->from)
      t->from->stop();
}

bool subscriber::idle() const {
  return std::none_of(targets_.begin(), targets_.end(),
                      [](const auto& t) { return t->from && t->from->is_storing(); });
}

}  // namespace troupe::federate
