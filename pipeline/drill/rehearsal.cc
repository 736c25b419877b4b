#include "pipeline/drill/rehearsal.h"

#include "pipeline/client/progress.h"
#include "storage/base/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::drill {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t tick_ms = 20;
/// A pause lasts so much longer than the cut if nobody resumes it.
constexpr int64_t pause_margin_ms = 10'000;
/// The usual latency is taken over so long, or as long as the cut.
constexpr int64_t longest_calm_ms = 5'000;
/// Of an answer that shows the present.
constexpr int64_t present_ms = 15'000;
/// When it ends early, samples that are on their way may take so long.
constexpr int64_t last_arrivals_ms = 10'000;
constexpr int resume_attempts = 3;
constexpr int64_t resume_again_ms = 500;

std::string seconds(int64_t ms) {
  return fmt::format("{:.2f} s", static_cast<double>(ms) / 1000);
}

}  // namespace

rehearsal::rehearsal(drill_options options, std::vector<node_link*> nodes,
                     rehearsal_environment env)
    : options_(std::move(options)), env_(std::move(env)), over_(std::move(nodes)) {
  report_.id = options_.id;
  report_.kind = options_.kind;
  for (size_t i = 1; i < over_.size(); ++i)
    report_.destinations.emplace_back().url = over_.url(i);
}

drill_report rehearsal::run() {
  report_.failed = rehearse();
  tidying_ = true;
  tidy_up();
  if (writer_)
    report_.written = writer_->acked() * series_->count();
  return report_;
}

status rehearsal::rehearse() {
  TROUPE_ASSIGN(plan_, survey());
  for (size_t d = 0; d < report_.destinations.size(); ++d)
    report_.destinations[d].is_cut = plan_.is_cut[d];
  for (const auto& c : plan_.cuts)
    env_.say(fmt::format("{} pause {} {} at {}", options_.dry_run ? "would" : "will", c.stage,
                         c.name, over_.url(c.node)));
  if (options_.dry_run)
    return {};
  TROUPE_TRY(begin());
  TROUPE_TRY(cut());
  TROUPE_TRY(resume());
  TROUPE_TRY(catch_up());
  return audit();
}

// --- requests and time ---

void rehearsal::turn() {
  if (writer_)
    writer_->turn();
  for (const auto& a : arrivals_)
    a->turn();
  over_.turn();
  env_.wait(tick_ms);
}

rehearsal::answers rehearsal::ask(const std::vector<question>& all) {
  std::vector<std::optional<result<std::string>>> got(all.size());
  size_t left = all.size();
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& q = all[i];
    const auto then = [&got, &left, i, &q, this](const reply& r) {
      got[i] = r.error.ok() ? result<std::string>(r.body)
                            : result<std::string>(r.error.with_context(over_.url(q.node) + q.path));
      --left;
    };
    if (q.form)
      over_.post(q.node, q.path, *q.form, then);
    else
      over_.get(q.node, q.path, then);
  }
  // Each has a timeout of its own.
  while (left > 0)
    turn();
  answers out;
  for (auto& g : got)
    out.push_back(std::move(*g));
  return out;
}

// A node that is gone, or an interruption; not while it tidies up, which does what it can.
status rehearsal::trouble() const {
  if (tidying_)
    return {};
  if (env_.stopped())
    return {errc::canceled, "interrupted"};
  if (writer_)
    TROUPE_TRY(writer_->error());
  for (const auto& a : arrivals_)
    TROUPE_TRY(a->error());
  return {};
}

status rehearsal::wait_until(const std::function<bool()>& done, int64_t limit_ms,
                             const std::string& what) {
  const int64_t end_ns = env_.clk.monotonic_ns() + limit_ms * ns_per_ms;
  while (!done()) {
    TROUPE_TRY(trouble());
    if (env_.clk.monotonic_ns() >= end_ns)
      return {errc::timeout,
              fmt::format("{} has not come within {}", what, format_duration(limit_ms))};
    turn();
  }
  return trouble();
}

// What is known of all destinations is as of now.
status rehearsal::wait_for_present() {
  const int64_t now_ns = env_.clk.monotonic_ns();
  const auto all_know = [&] {
    return std::all_of(arrivals_.begin(), arrivals_.end(),
                       [&](const auto& a) { return a->known_at_ns() >= now_ns; });
  };
  // Asked no earlier than now.
  return wait_until(all_know, present_ms, "an answer of each node");
}

// --- checks ---

result<drill_plan> rehearsal::survey() {
  TROUPE_ASSIGN(auto all, facts());
  TROUPE_TRY(ask_clocks(all));
  TROUPE_TRY(trouble());
  TROUPE_ASSIGN(auto plan, plan_drill(options_, all));
  int64_t off_ms = 0;
  for (const auto& f : all)
    off_ms = std::max(off_ms, std::abs(f.clock_off_ms));
  env_.say(fmt::format("{} nodes are ready, their links are up, their clocks within {} ms",
                       all.size(), off_ms));
  return plan;
}

result<std::vector<node_facts>> rehearsal::facts() {
  constexpr std::array paths{"/-/ready", "/api/v1/status/flags", "/api/v1/status/stages",
                             "/api/v1/status/kafka", "/api/v1/status/watermarks"};
  std::vector<question> questions;
  for (size_t i = 0; i < over_.size(); ++i)
    for (const char* p : paths)
      questions.push_back({i, p, std::nullopt});
  const auto got = ask(questions);
  for (const auto& g : got)
    if (!g.ok())
      return g.error();
  std::vector<node_facts> out(over_.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto* of_node = &got[i * paths.size()];
    out[i].url = over_.url(i);
    TROUPE_ASSIGN(out[i].flags, client::parse_flags(*of_node[1]));
    TROUPE_ASSIGN(out[i].stages, client::parse_stages(*of_node[2]));
    TROUPE_ASSIGN(out[i].topics, client::parse_topic_links(*of_node[3]));
    TROUPE_ASSIGN(out[i].watermarks, client::parse_watermarks(*of_node[4]));
  }
  return out;
}

status rehearsal::ask_clocks(std::vector<node_facts>& all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const timestamp_ms before = env_.clk.now_ms();
    const auto got = ask({{i, "/api/v1/query", http::params{{"query", "time()"}}}});
    const timestamp_ms after = env_.clk.now_ms();
    if (!got[0].ok())
      return got[0].error();
    TROUPE_ASSIGN(const double seconds, client::parse_scalar(*got[0]));
    all[i].clock_off_ms = static_cast<int64_t>(seconds * 1000) - (before + after) / 2;
    all[i].clock_accuracy_ms = (after - before) / 2;
  }
  return {};
}

// --- the drill ---

status rehearsal::begin() {
  series_ = std::make_unique<audit_series>(options_.id, options_.series, options_.spacing_ms,
                                           env_.clk.now_ms());
  writer_ = std::make_unique<audit_writer>(*series_, 0, over_, env_.clk);
  for (size_t d = 0; d < report_.destinations.size(); ++d)
    arrivals_.push_back(std::make_unique<arrivals>(*writer_, node_of(d), over_, env_.clk));
  env_.say(fmt::format("{} series {} are written to {}, a sample of each every {} ms",
                       series_->count(), series_->selector(), over_.url(0), options_.spacing_ms));
  for (size_t d = 0; d < arrivals_.size(); ++d)
    TROUPE_TRY(wait_until(
        [&] { return arrivals_[d]->reaches(1); }, options_.timeout_ms,
        fmt::format("the audit series at {} (do the selectors take it?)", over_.url(node_of(d)))));
  for (const auto& a : arrivals_)
    a->measure();
  const int64_t calm_ms = std::min(options_.cut_ms, longest_calm_ms);
  const int64_t end_ns = env_.clk.monotonic_ns() + calm_ms * ns_per_ms;
  TROUPE_TRY(wait_until([&] { return env_.clk.monotonic_ns() >= end_ns; }, calm_ms + present_ms,
                        "the end of the calm"));
  for (size_t d = 0; d < arrivals_.size(); ++d) {
    auto& to = report_.destinations[d];
    to.usual_ms = arrivals_[d]->take_usual_ms();
    env_.say(fmt::format("usually a sample is at {} after {}", to.url,
                         to.usual_ms ? seconds(*to.usual_ms) : "-"));
  }
  return {};
}

rehearsal::question rehearsal::question_of(const stage_cut& c, bool pauses) const {
  http::params form{{"stage", c.stage}, {"name", c.name}};
  if (pauses) {
    form.emplace_back("for", format_duration(options_.cut_ms + pause_margin_ms));
    form.emplace_back("reason", "drill " + options_.id);
  }
  return {c.node, pauses ? "/api/v1/admin/stages/pause" : "/api/v1/admin/stages/resume",
          std::move(form)};
}

status rehearsal::cut() {
  std::vector<question> pauses;
  for (const auto& c : plan_.cuts) {
    // Before it is asked: an answer that is lost does not tell that there is no pause.
    asked_.push_back({c, false});
    pauses.push_back(question_of(c, true));
  }
  for (const auto& a : ask(pauses))
    if (!a.ok())
      return a.error();
  const int64_t begin_ns = env_.clk.monotonic_ns();
  const uint64_t acked = writer_->acked(), sent = writer_->sent();
  const timestamp_ms now_ms = env_.clk.now_ms();
  TROUPE_TRY(wait_for_present());
  for (size_t d = 0; d < arrivals_.size(); ++d)
    report_.destinations[d].at_cut = arrivals_[d]->missing_of(acked, now_ms);
  env_.say(fmt::format("cut for {}", format_duration(options_.cut_ms)));
  {
    client::progress shown(env_.terminal, env_.clk, "s of the cut");
    const auto is_over = [&] {
      const int64_t past_ms = (env_.clk.monotonic_ns() - begin_ns) / ns_per_ms;
      shown.update(static_cast<uint64_t>(past_ms / 1000),
                   static_cast<uint64_t>(options_.cut_ms / 1000));
      return past_ms >= options_.cut_ms;
    };
    TROUPE_TRY(wait_until(is_over, options_.cut_ms + present_ms, "the end of the cut"));
  }
  const uint64_t acked_at_end = writer_->acked();
  const timestamp_ms end_ms = env_.clk.now_ms();
  TROUPE_TRY(wait_for_present());
  for (size_t d = 0; d < arrivals_.size(); ++d) {
    auto& to = report_.destinations[d];
    to.backlog = arrivals_[d]->missing_of(acked_at_end, end_ms);
    to.came_past = to.is_cut && arrivals_[d]->furthest() > sent;
    if (to.came_past && options_.kind == drill_kind::brokers)
      report_.notes.push_back(to.url + " had samples another way while it was cut off from Kafka");
  }
  return {};
}

status rehearsal::resume() {
  std::vector<question> questions;
  for (const auto& a : asked_)
    questions.push_back(question_of(a.cut, false));
  resumed_ns_ = env_.clk.monotonic_ns();
  before_resume_ = writer_->sent();
  const auto got = ask(questions);
  for (size_t i = 0; i < got.size(); ++i)
    asked_[i].is_over = got[i].ok();
  for (const auto& g : got)
    if (!g.ok())
      return g.error();
  env_.say("resumed");
  return {};
}

bool rehearsal::note_returns() {
  bool all = true;
  const int64_t past_ms = (env_.clk.monotonic_ns() - resumed_ns_) / ns_per_ms;
  for (size_t d = 0; d < arrivals_.size(); ++d) {
    auto& to = report_.destinations[d];
    if (!to.rto_newest_ms && arrivals_[d]->reaches(before_resume_ + 1))
      to.rto_newest_ms = past_ms;
    if (!to.rto_all_ms && arrivals_[d]->whole_to(before_resume_))
      to.rto_all_ms = past_ms;
    all = all && to.rto_newest_ms && to.rto_all_ms;
  }
  return all;
}

status rehearsal::catch_up() {
  client::progress shown(env_.terminal, env_.clk, "samples of the backlog");
  const auto there = [&] {
    uint64_t sum = 0;
    for (const auto& a : arrivals_)
      sum += a->count_to(before_resume_);
    return sum;
  };
  const uint64_t total = before_resume_ * series_->count() * arrivals_.size();
  const uint64_t first = std::min(there(), total);
  const auto is_whole = [&] {
    shown.update(std::max(there(), first) - first, total - first);
    return note_returns();
  };
  const status s = wait_until(is_whole, options_.timeout_ms, "all of the series");
  // What is missing then is counted.
  if (s.code() != errc::timeout)
    return s;
  report_.notes.push_back(std::string(s.message()));
  return {};
}

status rehearsal::audit() {
  writer_->stop();
  TROUPE_TRY(wait_until([&] { return writer_->is_done(); }, present_ms, "the last answer"));
  const uint64_t acked = writer_->acked();
  const auto all_there = [&] {
    return std::all_of(arrivals_.begin(), arrivals_.end(),
                       [&](const auto& a) { return a->whole_to(acked); });
  };
  if (const status s = wait_until(all_there, last_arrivals_ms, "the last sample"); !s.ok())
    if (s.code() != errc::timeout)
      return s;
  for (size_t i = 0; i < over_.size(); ++i) {
    const auto range = range_of(*series_, env_.clk.now_ms());
    std::vector<question> questions;
    for (uint32_t n = 0; n < series_->count(); ++n)
      questions.push_back(
          {i, "/api/v1/query",
           http::params{{"query", fmt::format("{}[{}s]", series_->selector(n), range.window_s)},
                        {"time", fmt::format("{}", static_cast<double>(range.at) / 1000)}}});
    std::vector<client::stored_series> got;
    for (const auto& a : ask(questions)) {
      if (!a.ok())
        return a.error();
      TROUPE_ASSIGN(auto some, client::parse_matrix(*a));
      std::move(some.begin(), some.end(), std::back_inserter(got));
    }
    const auto found = series_->compare(got, acked, writer_->sent());
    (i == 0 ? report_.source : report_.destinations[i - 1].audit) = found;
  }
  env_.say(fmt::format("compared {} samples at {} nodes", acked * series_->count(), over_.size()));
  return {};
}

// --- afterwards ---

void rehearsal::tidy_up() {
  resume_rest();
  if (!writer_)
    return;
  writer_->stop();
  wait_until([&] { return writer_->is_done(); }, last_arrivals_ms, "").ignore();
  if (!options_.keep)
    remove_series();
}

void rehearsal::resume_rest() {
  for (int attempt = 0; attempt < resume_attempts; ++attempt) {
    std::vector<question> questions;
    std::vector<asked_cut*> open;
    for (auto& a : asked_)
      if (!a.is_over) {
        open.push_back(&a);
        questions.push_back(question_of(a.cut, false));
      }
    if (open.empty())
      return;
    const auto got = ask(questions);
    for (size_t i = 0; i < got.size(); ++i) {
      open[i]->is_over = got[i].ok();
      if (!got[i].ok() && attempt + 1 == resume_attempts)
        report_.notes.push_back(fmt::format(
            "{} {} at {} could not be resumed: it ends by itself within {} ({})",
            open[i]->cut.stage, open[i]->cut.name, over_.url(open[i]->cut.node),
            format_duration(options_.cut_ms + pause_margin_ms), got[i].error().message()));
    }
    env_.wait(resume_again_ms);
  }
}

// Samples that come after it would stay.
void rehearsal::remove_series() {
  const uint64_t sent = writer_->sent();
  const auto are_all_there = [&] {
    return std::all_of(arrivals_.begin(), arrivals_.end(),
                       [&](const auto& a) { return a->whole_to(sent); });
  };
  if (!wait_until(are_all_there, last_arrivals_ms, "").ok())
    report_.notes.push_back("samples of " + series_->selector() +
                            " may still come to a node, and stay there");
  std::vector<question> questions;
  for (size_t i = 0; i < over_.size(); ++i)
    questions.push_back(
        {i, "/api/v1/admin/tsdb/delete_series", http::params{{"match[]", series_->selector()}}});
  for (const auto& g : ask(questions))
    if (!g.ok())
      report_.notes.push_back("the audit series stays: " + std::string(g.error().message()));
}

}  // namespace troupe::drill
