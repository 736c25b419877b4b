#include "tests/pipeline/drill/drill_kit.h"

#include "pipeline/topics/record_reader.h"
#include "storage/base/duration.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::drill {

namespace {

constexpr int64_t ns_per_ms = 1'000'000;

std::string param(const http::params& form, std::string_view name) {
  for (const auto& [n, v] : form)
    if (n == name)
      return v;
  return "";
}

std::string success(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}

template <class Items, class F>
std::string list(const Items& items, const F& json) {
  std::string out;
  for (const auto& item : items)
    if (const std::string one = json(item); !one.empty())
      out += (out.empty() ? "" : ",") + one;
  return "[" + out + "]";
}

std::string labels_json(const std::string& series, bool twin, const std::string& of = {}) {
  return fmt::format(R"({{"__name__":"troupe_drill","drill":"d","series":"{}"{}{}}})", series,
                     twin ? R"(,"region":"east")" : "",
                     of.empty() ? "" : R"(,"of":")" + of + R"(")");
}

}  // namespace

// --- a node ---

sim_node::stage& sim_node::find(const std::string& stage, const std::string& name) {
  const auto at = std::find_if(stages.begin(), stages.end(),
                               [&](const auto& s) { return s.stage == stage && s.name == name; });
  EXPECT_NE(at, stages.end()) << url_ << " has no " << stage << " " << name;
  return *at;
}

bool sim_node::has_paused() const {
  return std::any_of(stages.begin(), stages.end(), [&](const auto& s) { return is_paused(s); });
}

void sim_node::post(uint64_t token, std::string_view path, const http::params& form) {
  if (on_request)
    on_request(path);
  reply r;
  r.token = token;
  if (dead) {
    r.error = {errc::io_error, "connection refused"};
  } else if (failing.contains(std::string(path))) {
    r.code = 500;
    r.error = {errc::unavailable, "HTTP status 500: disk is full"};
  } else {
    r.code = 200;
    r.body = body_of(path, form);
  }
  replies_.push_back(std::move(r));
}

void sim_node::write(uint64_t token, std::string body) {
  reply r;
  r.token = token;
  r.code = dead ? 0 : write_code;
  if (r.code != 204) {
    r.error = {errc::unavailable, fmt::format("HTTP status {}", r.code)};
  } else {
    topics::record_reader reader({});
    const auto read = reader.read(body, 0);
    EXPECT_TRUE(read.ok());
    for (const auto& b : read->batches)
      for (const auto& f : b->floats) {
        const std::string series(b->table->series[f.series].get("series"));
        store(series, f.ts, f.value);
        log.push_back({series, f.ts, f.value, clock_.now_ms()});
      }
  }
  replies_.push_back(std::move(r));
}

std::string sim_node::body_of(std::string_view path, const http::params& form) {
  if (path == "/api/v1/status/flags") {
    std::string out =
        list(flags, [](const auto& f) { return fmt::format(R"("{}":"{}")", f.first, f.second); });
    out.front() = '{';
    out.back() = '}';
    return success(out);
  }
  if (path == "/api/v1/status/stages")
    return success(stages_json());
  if (path == "/api/v1/status/kafka")
    return success(topics_json());
  if (path == "/api/v1/status/watermarks")
    return success(watermarks_json());
  if (path == "/api/v1/query")
    return query(param(form, "query"));
  change(path, form);
  return success("[]");
}

void sim_node::change(std::string_view path, const http::params& form) {
  if (path == "/-/ready")
    return;
  asked.emplace_back(path, form);
  if (path == "/api/v1/admin/tsdb/delete_series") {
    EXPECT_EQ(param(form, "match[]"), R"(troupe_drill{drill="d"})");
    return stored.clear();
  }
  auto& s = find(param(form, "stage"), param(form, "name"));
  if (path == "/api/v1/admin/stages/resume")
    s.paused_until_ns = 0;
  else
    s.paused_until_ns = clock_.monotonic_ns() + *parse_duration(param(form, "for")) * ns_per_ms;
}

std::string sim_node::stages_json() const {
  return list(stages, [&](const stage& s) {
    return fmt::format(R"({{"stage":"{}","name":"{}","{}":"{}","pausedUntil":{}}})", s.stage,
                       s.name, s.stage == "federate" ? "url" : "topic", s.other_end,
                       is_paused(s) ? R"("2026-01-01T00:00:00Z")" : "null");
  });
}

std::string sim_node::topics_json() const {
  const auto of = [&](const std::string& which) {
    return list(stages, [&](const stage& s) {
      return s.stage != which
                 ? std::string()
                 : fmt::format(R"({{"name":"{}","up":{},"lastError":"no broker","lagSeconds":{}}})",
                               s.name, s.up, s.lag_seconds);
    });
  };
  return R"({"publish":)" + of("publish") + R"(,"consume":)" + of("consume") + "}";
}

std::string sim_node::watermarks_json() const {
  return list(stages, [&](const stage& s) {
    return s.stage != "federate"
               ? std::string()
               : fmt::format(R"({{"stage":"federation","name":"{}","lagSeconds":{}}})", s.name,
                             s.up ? fmt::format("{}", s.lag_seconds) : "null");
  });
}

std::string sim_node::query(const std::string& text) const {
  const auto answer = [](const std::string& type, const std::string& result) {
    return success(fmt::format(R"({{"resultType":"{}","result":{}}})", type, result));
  };
  if (text == "time()")
    return answer(
        "scalar",
        fmt::format(R"([0,"{:.3f}"])", static_cast<double>(clock_.now_ms() + clock_off_ms) / 1000));
  if (text.starts_with("label_replace"))
    return answer("vector", list(stored, [](const auto& s) {
                    const auto& [key, samples] = s;
                    return fmt::format(
                        R"({{"metric":{},"value":[0,"{}"]}},{{"metric":{},"value":[0,"{}"]}})",
                        labels_json(key.first, key.second, "newest"), samples.rbegin()->second,
                        labels_json(key.first, key.second, "count"), samples.size());
                  }));
  return answer("matrix", list(stored, [&](const auto& s) {
                  const auto& [key, samples] = s;
                  if (text.find("series=\"" + key.first + "\"") == std::string::npos)
                    return std::string();
                  const std::string values = list(samples, [](const auto& p) {
                    return fmt::format(R"([{:.3f},"{}"])", static_cast<double>(p.first) / 1000,
                                       p.second);
                  });
                  return fmt::format(R"({{"metric":{},"values":{}}})",
                                     labels_json(key.first, key.second), values);
                }));
}

// --- the system ---

DrillTest::DrillTest() {
  east.stages = {{"publish", "out", "troupe.east"}, {"consume", "west", "troupe.west"}};
  west.stages = {{"publish", "out", "troupe.west"}, {"consume", "east", "troupe.east"}};
  south.stages = {{"federate", "north", "http://north:9090"},
                  {"federate", "east", "http://east:9090/"}};
  options.id = "d";
  options.cut_ms = 20'000;
  options.timeout_ms = 60'000;
}

drill_report DrillTest::run() {
  begin_ns_ = clk.monotonic_ns();
  return rehearsal(options, {&east, &west, &south},
                   {clk, [this](int64_t ms) { pass(ms); }, [this] { return stopped; },
                    [this](const std::string& step) { steps.push_back(step); }})
      .run();
}

void DrillTest::pass(int64_t ms) {
  clk.advance_ms(ms);
  const int64_t past_ms = (clk.monotonic_ns() - begin_ns_) / ns_per_ms;
  ASSERT_LT(past_ms, 3'600'000) << "it does not end";
  while (!events_.empty() && events_.begin()->first <= past_ms) {
    events_.begin()->second();
    events_.erase(events_.begin());
  }
  move(west, west.find("consume", "east"));
  move(south, south.find("federate", "east"));
}

void DrillTest::move(sim_node& to, sim_node::stage& s) {
  const bool by_kafka = s.stage == "consume";
  const bool is_cut = to.is_paused(s) || (by_kafka && east.is_paused(east.find("publish", "out")));
  for (; s.next < east.log.size(); ++s.next) {
    const auto& from = east.log[s.next];
    if (to.dead || clk.now_ms() < from.taken_at + delay_ms ||
        (is_cut && !(passes_pauses && passes_pauses(to, s.next))))
      return;
    if (loses && loses(to, s.next))
      continue;
    to.store(from.series, from.ts, from.value + (changes && changes(to, s.next) ? 1 : 0));
    if (doubles && doubles(to, s.next))
      to.store(from.series, from.ts, from.value, true);
  }
}

bool DrillTest::has(const std::vector<std::string>& lines, std::string_view text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const auto& l) { return l.find(text) != std::string::npos; });
}

bool DrillTest::said(std::string_view text) const {
  return has(steps, text);
}

void DrillTest::expect_tidy(bool removed) {
  for (auto* n : {&east, &west, &south}) {
    if (n->dead)
      continue;
    EXPECT_FALSE(n->has_paused()) << n->url();
    EXPECT_EQ(n->stored.empty(), removed) << n->url();
  }
}

}  // namespace troupe::drill
