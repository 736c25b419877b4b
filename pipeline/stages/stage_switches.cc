#include "pipeline/stages/stage_switches.h"

#include "storage/base/duration.h"
#include "storage/base/log.h"

namespace troupe::stages {
namespace {

const logger stage_log("stages");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr stage all[] = {stage::publish, stage::consume, stage::federate};

}  // namespace

std::string_view to_text(stage s) {
  switch (s) {
    case stage::publish:
      return "publish";
    case stage::consume:
      return "consume";
    case stage::federate:
      return "federate";
  }
  return "";
}

std::optional<stage> parse_stage(std::string_view text) {
  for (const stage s : all)
    if (to_text(s) == text)
      return s;
  return std::nullopt;
}

stage_switches::entry& stage_switches::entry_of(stage at, const std::string& name) {
  entry& e = entries_[{at, name}];
  if (e.shown == nullptr) {
    e.shown = &metrics_.get_gauge("troupe_stage_paused",
                                  "Whether the stage was told to stand still for a while.",
                                  {{"stage", std::string(to_text(at))}, {"name", name}});
    e.pause.at = at;
    e.pause.name = name;
  }
  return e;
}

void stage_switches::end(entry& e, std::string_view why) {
  stage_log.warn("{} {} goes on: {}", to_text(e.pause.at), e.pause.name, why);
  e.until_ns = 0;
  e.shown->set(0);
}

void stage_switches::end_those_over(int64_t now_ns) {
  for (auto& [k, e] : entries_)
    if (e.until_ns != 0 && now_ns >= e.until_ns)
      end(e, "the time of its pause is over");
}

void stage_switches::pause(stage at, const std::string& name, int64_t for_ms, std::string reason,
                           timestamp_ms now_ms, int64_t now_ns) {
  const std::lock_guard guard(lock_);
  entry& e = entry_of(at, name);
  e.until_ns = now_ns + for_ms * ns_per_ms;
  e.pause.until = now_ms + for_ms;
  e.pause.reason = std::move(reason);
  e.shown->set(1);
  stage_log.warn("{} {} is paused for {}{}{}", to_text(at), name, format_duration(for_ms),
                 e.pause.reason.empty() ? "" : ": ", e.pause.reason);
}

bool stage_switches::resume(stage at, const std::string& name, int64_t now_ns) {
  const std::lock_guard guard(lock_);
  end_those_over(now_ns);
  const auto found = entries_.find({at, name});
  if (found == entries_.end() || found->second.until_ns == 0)
    return false;
  end(found->second, "it was told to");
  return true;
}

bool stage_switches::is_paused(stage at, const std::string& name, int64_t now_ns) {
  const std::lock_guard guard(lock_);
  end_those_over(now_ns);
  return entry_of(at, name).until_ns != 0;
}

std::optional<paused_stage> stage_switches::find(stage at, const std::string& name,
                                                 int64_t now_ns) {
  const std::lock_guard guard(lock_);
  end_those_over(now_ns);
  const auto found = entries_.find({at, name});
  if (found == entries_.end() || found->second.until_ns == 0)
    return std::nullopt;
  return found->second.pause;
}

std::vector<paused_stage> stage_switches::list(int64_t now_ns) {
  const std::lock_guard guard(lock_);
  end_those_over(now_ns);
  std::vector<paused_stage> out;
  for (const auto& [k, e] : entries_)
    if (e.until_ns != 0)
      out.push_back(e.pause);
  return out;
}

}  // namespace troupe::stages
