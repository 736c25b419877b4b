#include "pipeline/scrape/scraper.h"

#include "pipeline/discover/http_status.h"
#include "pipeline/parse/negotiation.h"

namespace troupe::scrape {
namespace {

constexpr std::string_view report_names[] = {
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
};
constexpr size_t plain_reports = 5;
constexpr uint32_t quiet_enough = 8;

// What the automatic series say.
struct report {
  double duration_seconds = 0;
  double body_bytes = 0;
};

// A scrape in the making.
class scrape_builder {
 public:
  scrape_builder(const scrape_settings& settings, const job_rules& job,
                 const discover::target& target, timestamp_ms time, target_memory& memory,
                 scrape_scratch& scratch)
      : settings_(settings),
        job_(job),
        target_(target),
        time_(time),
        memory_(memory),
        scratch_(scratch) {}

  status read(const http::fetch_result& got, timestamp_ms now) {
    auto format = parse::choose_format(got.content_type, job_.config->fallback_scrape_protocol);
    if (!format.ok())
      return format.error();
    batch_->floats.reserve(memory_.series.size() + plain_reports);
    body_request request;
    request.body = got.body;
    request.format = *format;
    request.time = time_;
    request.max_time = now + max_ahead_ms;
    request.zero_at_start = settings_.zero_at_start;
    status s =
        read_body(request, job_, target_.public_labels, memory_, scratch_, *batch_, result_.counts);
    read_ = s.ok();
    return s;
  }

  scrape_result finish(status error, report r) {
    if (!read_) {
      // Nothing of a failed body counts but its numbers.
      batch_ = std::make_shared<write_batch>();
      scratch_.seen.clear();
      scratch_.seen_plain.clear();
      scratch_.tracked.clear();
    }
    mark_vanished();
    memory_.tracked.assign_tight(scratch_.tracked);
    add_reports(error.ok(), r);
    memory_.series.commit(settings_.tenant);
    batch_->tenant = settings_.tenant;
    batch_->group = target_.public_labels.hash();
    batch_->table = memory_.series.table();
    if (read_)
      tidy();
    result_.error = std::move(error);
    result_.batch = std::move(batch_);
    return std::move(result_);
  }

  void body_limit_hit() { result_.body_limit_hit = true; }
  void fetch_failed() { result_.fetch_failed = true; }

 private:
  void mark_vanished() {
    memory_.tracked.for_each_not_in(scratch_.tracked, [&](uint32_t position) {
      if (!memory_.is_report(position))
        batch_->floats.push_back({time_, stale_nan(), position});
    });
  }

  void add_reports(bool healthy, const report& r) {
    const auto& c = result_.counts;
    const double values[] = {
        healthy ? 1.0 : 0.0,
        r.duration_seconds,
        static_cast<double>(c.scraped),
        static_cast<double>(c.post_relabel),
        static_cast<double>(c.series_added),
        static_cast<double>(target_.timeout_ms) / 1000,
        static_cast<double>(job_.config->limits.samples),
        r.body_bytes,
    };
    const bool all = settings_.extra_metrics || job_.config->extra_scrape_metrics;
    for (size_t i = 0; i < (all ? std::size(values) : plain_reports); ++i) {
      auto& position = memory_.reports[i];
      if (position == line_entry::dropped)
        position =
            memory_.series.find_or_add(report_labels(report_names[i], target_.public_labels));
      // A target that exposes such a series itself came first.
      if (!scratch_.seen_plain.test(position))
        batch_->floats.push_back({time_, values[i], position});
    }
  }

  // Gives back what this target does not need any more.
  void tidy() {
    memory_.quiet_scrapes = result_.counts.new_lines == 0 ? memory_.quiet_scrapes + 1 : 0;
    if (memory_.quiet_scrapes >= quiet_enough && memory_.series.has_index())
      memory_.series.drop_index();
    if (result_.counts.new_lines == 0)
      return;
    auto& live = scratch_.seen;
    for (const auto position : memory_.reports)
      if (position != line_entry::dropped)
        live.set(position);
    for (const auto& c : memory_.created)
      if (c.position != line_entry::dropped)
        live.set(c.position);
    memory_.classic.for_each_position([&](uint32_t p) { live.set(p); });
    for (const auto& e : memory_.lines)
      if (e.has_position())
        live.set(e.ref);
    if (memory_.series.is_sparse(live))
      renumber(memory_.series.compact(live));
  }

  void renumber(const std::vector<uint32_t>& moved) {
    for (auto& e : memory_.lines)
      if (e.has_position())
        e.ref = moved[e.ref];
    for (auto& c : memory_.created)
      if (c.position != line_entry::dropped)
        c.position = moved[c.position];
    memory_.classic.for_each_position([&](uint32_t& p) { p = moved[p]; });
    for (auto& p : memory_.reports)
      if (p != line_entry::dropped)
        p = moved[p];
    bitmap tracked;
    memory_.tracked.for_each([&](uint32_t p) { tracked.set(moved[p]); });
    memory_.tracked.assign_tight(tracked);
    std::vector<uint64_t> keys;
    for (uint32_t p = 0; p < memory_.start_keys.size(); ++p)
      if (moved[p] != line_entry::dropped) {
        if (moved[p] >= keys.size())
          keys.resize(moved[p] + 1);
        keys[moved[p]] = memory_.start_keys[p];
      }
    memory_.start_keys = std::move(keys);
  }

  const scrape_settings& settings_;
  const job_rules& job_;
  const discover::target& target_;
  const timestamp_ms time_;
  target_memory& memory_;
  scrape_scratch& scratch_;
  std::shared_ptr<write_batch> batch_ = std::make_shared<write_batch>();
  scrape_result result_;
  bool read_ = false;
};

status transport_error(const http::fetch_result& got) {
  if (!got.error.ok())
    return got.error;
  if (got.code != 200)
    return {errc::unavailable, "server returned HTTP status " + discover::http_status(got.code)};
  return {};
}

}  // namespace

scrape_result read_fetch(const scrape_settings& settings, const job_rules& job,
                         const discover::target& target, const http::fetch_result& got,
                         timestamp_ms time, timestamp_ms now, target_memory& memory,
                         scrape_scratch& scratch) {
  scrape_builder b(settings, job, target, time, memory, scratch);
  report r;
  r.duration_seconds = static_cast<double>(got.duration_ns) / 1e9;
  status error = transport_error(got);
  if (!error.ok())
    b.fetch_failed();
  if (error.code() == errc::out_of_bounds) {
    error = status(errc::out_of_bounds, "body size limit exceeded");
    r.body_bytes = -1;
    b.body_limit_hit();
  } else if (error.ok()) {
    r.body_bytes = static_cast<double>(got.body.size());
    // An empty body exposes nothing, whatever its type.
    if (!got.body.empty())
      error = b.read(got, now);
  }
  return b.finish(std::move(error), r);
}

scrape_result fail_scrape(const scrape_settings& settings, const job_rules& job,
                          const discover::target& target, status why, timestamp_ms time,
                          target_memory& memory, scrape_scratch& scratch) {
  return scrape_builder(settings, job, target, time, memory, scratch).finish(std::move(why), {});
}

batch_ptr end_of_target(const scrape_settings& settings, const discover::target& target,
                        timestamp_ms time, const bitmap& elsewhere, target_memory& memory) {
  auto out = std::make_shared<write_batch>();
  bitmap gone = memory.tracked;
  for (const auto position : memory.reports)
    if (position != line_entry::dropped)
      gone.set(position);
  gone.for_each_not_in(elsewhere, [&](uint32_t position) {
    out->floats.push_back({time, stale_nan(), position});
  });
  if (out->floats.empty())
    return nullptr;
  out->tenant = settings.tenant;
  out->group = target.public_labels.hash();
  out->table = memory.series.table();
  return out;
}

}  // namespace troupe::scrape
