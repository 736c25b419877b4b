// /api/v1/admin/stages/*, /api/v1/status/stages: pauses of the stages that talk to other nodes.
// Refused unless --web.enable-admin-api. Not on the maintenance thread, where a compaction would
// hold them up.
#include "config/config.h"
#include "config/text.h"
#include "config/topic_stream.h"
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/api/params.h"
#include "pipeline/stages/stage_switches.h"
#include "storage/base/civil_time.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <optional>

namespace troupe::api {

namespace {

constexpr size_t longest_reason = 200;

using stages::stage;

std::vector<std::string> blocks_of(const config::config& c, stage at) {
  std::vector<std::string> out;
  const auto take = [&](const auto& blocks) {
    for (const auto& b : blocks)
      out.push_back(b.name);
  };
  switch (at) {
    case stage::publish:
      for (const auto& p : config::topic_streams(c))
        out.push_back(p.to.name);
      break;
    case stage::consume:
      take(c.own.consume);
      break;
    case stage::federate:
      take(c.own.federation);
      break;
  }
  return out;
}

/// What a request means.
struct chosen_stages {
  stage at = stage::publish;
  std::vector<std::string> names;
};

result<chosen_stages> chosen(const services& s, const http::request& r) {
  if (s.switches == nullptr)
    return {errc::unavailable, "this node cannot pause stages"};
  const auto text = r.param("stage").value_or("");
  const auto at = stages::parse_stage(text);
  if (!at)
    return {errc::invalid_argument,
            "parameter \"stage\" must be publish, consume or federate, got " + quoted(text)};
  chosen_stages out{*at, blocks_of(*s.config(), *at)};
  const auto name = r.param("name");
  if (!name || name->empty())
    return out;
  if (std::find(out.names.begin(), out.names.end(), *name) == out.names.end())
    return {errc::invalid_argument,
            "there is no " + std::string(text) + " block of the name " + quoted(*name)};
  out.names = {std::string(*name)};
  return out;
}

json_object stage_object(stage at, std::string_view name) {
  json_object o;
  o.text("stage", stages::to_text(at)).text("name", name);
  return o;
}

/// The one block, with what it has at its other end.
std::string stage_json(const services& s, stage at, std::string_view name, std::string_view key,
                       std::string_view other_end) {
  json_object o = stage_object(at, name);
  o.text(key, other_end);
  std::optional<stages::paused_stage> pause;
  if (s.switches != nullptr)
    pause = s.switches->find(at, std::string(name), s.clk->monotonic_ns());
  if (!pause)
    return o.raw("pausedUntil", "null").done();
  return o.text("pausedUntil", format_rfc3339(pause->until)).text("reason", pause->reason).done();
}

}  // namespace

answer handle_pause_stages(const services& s, const http::request& r, const inputs&) {
  const auto which = chosen(s, r);
  if (!which.ok())
    return failure(which.error());
  if (which->names.empty())
    return bad_data("there are no " + std::string(stages::to_text(which->at)) + " blocks");
  const auto text = r.param("for");
  if (!text)
    return bad_data("parameter \"for\" is missing: a pause ends by itself");
  const auto for_ms = parse_duration_param(*text);
  if (!for_ms.ok())
    return bad_data(for_ms.error().message());
  if (*for_ms < 1 || *for_ms > stages::stage_switches::longest_ms)
    return bad_data("parameter \"for\" must be more than 0 and at most " +
                    format_duration(stages::stage_switches::longest_ms));
  const std::string reason(r.param("reason").value_or("").substr(0, longest_reason));
  const timestamp_ms now_ms = s.clk->now_ms();
  for (const auto& name : which->names)
    s.switches->pause(which->at, name, *for_ms, reason, now_ms, s.clk->monotonic_ns());
  return success(json_list(which->names, [&](const std::string& name) {
    return stage_object(which->at, name)
        .text("pausedUntil", format_rfc3339(now_ms + *for_ms))
        .done();
  }));
}

answer handle_resume_stages(const services& s, const http::request& r, const inputs&) {
  const auto which = chosen(s, r);
  if (!which.ok())
    return failure(which.error());
  std::vector<std::string> resumed;
  for (const auto& name : which->names)
    if (s.switches->resume(which->at, name, s.clk->monotonic_ns()))
      resumed.push_back(name);
  return success(json_list(
      resumed, [&](const std::string& name) { return stage_object(which->at, name).done(); }));
}

answer handle_stages(const services& s, const http::request&, const inputs&) {
  const auto c = s.config();
  std::vector<std::string> all;
  for (const auto& p : config::topic_streams(*c))
    all.push_back(stage_json(s, stage::publish, p.to.name, "topic", p.to.topic));
  for (const auto& b : c->own.consume)
    all.push_back(stage_json(s, stage::consume, b.name, "topic", b.topic));
  for (const auto& b : c->own.federation)
    all.push_back(stage_json(s, stage::federate, b.name, "url", config::mask_url(b.url)));
  return success(json_list(all, [](const std::string& one) { return one; }));
}

}  // namespace troupe::api
