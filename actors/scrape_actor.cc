#include "actors/scrape_actor.h"

#include "pipeline/api/event_lines.h"
#include "pipeline/http/client_body.h"
#include "pipeline/ingest/ingester.h"
#include "storage/base/random.h"

namespace troupe::actors {

namespace {

using self_ptr = scrape_actor::stateful_pointer<scrape_actor_state>;
using params_ptr = std::shared_ptr<const scrape_params>;

/// A scrape's batch is offered so often, a second apart, before its samples count as lost.
constexpr int max_attempts = 4;
/// Memory for a body that is kept between bodies.
constexpr size_t max_spare_body = 1 << 20;

bool may_retry(const status& s) {
  return s.code() == errc::unavailable || s.code() == errc::no_space || s.code() == errc::timeout;
}

std::string refusal_of(const storage::append_report& r) {
  if (r.refused() == 0)
    return {};
  std::string out;
  for (const auto& why : ingest::growth_refusals(r))
    out += (out.empty() ? "" : "; ") + why;
  return out;
}

scrape::pool_time now_of(const params_ptr& p) {
  return {p->clk->now_ms(), p->clk->monotonic_ns()};
}

void pump(self_ptr self, counter* lost);

void answered(self_ptr self, const offered_scrapes_ptr& offer,
              const std::vector<ingest::outcome>& got, counter* lost) {
  auto& s = self->state;
  s.window.acked();
  auto again = std::make_shared<offered_scrapes>();
  again->attempts = offer->attempts + 1;
  for (size_t i = 0; i < got.size(); ++i) {
    const status& error = got[i].error;
    if (may_retry(error) && again->attempts < max_attempts && !s.stopping) {
      again->add(offer->tokens[i], offer->batches[i]);
      continue;
    }
    if (!error.ok())
      lost->add(static_cast<double>(offer->batches[i]->sample_count()));
    s.pool->on_ack(offer->tokens[i], refusal_of(got[i].report));
  }
  if (!again->batches.empty())
    self->delayed_send(self, std::chrono::seconds(1), put_atom_v,
                       offered_scrapes_ptr(std::move(again)));
  pump(self, lost);
}

void pump(self_ptr self, counter* lost) {
  if (!self->state.peers)
    return;
  self->state.window.pump([&](offered_scrapes_ptr offer) {
    batch_list_ptr batches(offer, &offer->batches);
    ask<outcome_list_ptr>(
        self, self->state.asked, self->state.peers->router,
        [self, offer, lost](const outcome_list_ptr& got) { answered(self, offer, *got, lost); },
        [self, offer, lost](caf::error& e) {
          ingest::outcome none{{errc::unavailable, self->system().render(e)}, {}};
          answered(self, offer, std::vector<ingest::outcome>(offer->batches.size(), none), lost);
        },
        put_atom_v, std::move(batches));
  });
}

void flush(self_ptr self, counter* lost) {
  auto& s = self->state;
  if (!s.gathered.batches.empty())
    s.window.push(std::make_shared<const offered_scrapes>(std::exchange(s.gathered, {})));
  s.gathered_samples = 0;
  pump(self, lost);
}

/// A fifth of the shortest interval is four steps.
std::chrono::milliseconds gather_time(const scrape_actor_state& s, const params_ptr& p) {
  return std::min(p->gather, std::chrono::milliseconds(4 * s.pool->step_ms()));
}

/// True if what is gathered cannot wait for the next tick.
bool is_urgent(const scrape_actor_state& s, const params_ptr& p) {
  return s.next_tick_ns > s.oldest_ns + std::chrono::nanoseconds(gather_time(s, p)).count();
}

void gather(self_ptr self, const params_ptr& p, scrape::outgoing out, counter* lost) {
  auto& s = self->state;
  if (s.gathered.batches.empty())
    s.oldest_ns = p->clk->monotonic_ns();
  s.gathered_samples += out.batch->sample_count();
  s.gathered.add(out.token, std::move(out.batch));
  if (s.gathered_samples >= p->gather_samples || s.stopping)
    return flush(self, lost);
  if (s.flush_planned || !is_urgent(s, p))
    return;
  s.flush_planned = true;
  self->delayed_send(self, gather_time(s, p), flush_atom_v);
}

void tick(self_ptr self, const params_ptr& p, counter* lost) {
  auto work = self->state.pool->due(now_of(p));
  if (!work.fetches.empty())
    p->fetcher->fetch(std::move(work.fetches), [inbox = self->state.inbox, to = scrape_actor(self)](
                                                   auto got) { inbox->post(to, std::move(got)); });
  for (auto& b : work.batches)
    gather(self, p, std::move(b), lost);
}

// Bodies are decoded one by one into the same memory, which so stays in the caches.
void read(self_ptr self, const params_ptr& p, http::fetch_result& r, scrape::pool_time now,
          counter* lost) {
  auto& s = self->state;
  http::expand_body(r, std::move(s.spare_body));
  if (auto out = s.pool->on_result(r, now))
    gather(self, p, std::move(*out), lost);
  s.spare_body = r.body.capacity() <= max_spare_body ? std::move(r.body) : std::string();
  r = {};
}

}  // namespace

scrape_params scrape_params_of(const config::server_flags& f, size_t index, size_t count) {
  scrape_params p;
  p.pool.default_body_limit = f.scrape.max_body_bytes;
  p.pool.extra_scrape_metrics = f.features.extra_scrape_metrics;
  p.pool.zero_at_start = f.features.created_timestamp_zero_ingestion;
  p.pool.share_index = index;
  p.pool.share_count = count;
  return p;
}

scrape_actor::behavior_type scraping(self_ptr self, scrape_params params) {
  auto p = std::make_shared<const scrape_params>(std::move(params));
  auto* lost =
      &p->metrics->get_counter("troupe_scrape_samples_lost_total",
                               "Scraped samples that could not be stored after all attempts.");
  self->state.window = flow_window<offered_scrapes_ptr>(p->window);
  scrape::pool_environment env{p->metrics, p->endpoints, {}};
  if (p->lines)
    env.on_failure = [p](const config::scrape_config& job, const discover::target& t,
                         std::string_view error) {
      p->lines->add(job.scrape_failure_log_file,
                    api::scrape_failure_line(p->clk->now_ms(), job.job_name, t.url, error));
    };
  self->state.pool = std::make_unique<scrape::scrape_pool>(p->pool, std::move(env), now_of(p));
  self->delayed_send(self, std::chrono::milliseconds(10), tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self, lost](stop_atom) {
        // What was scraped and is on its way is stored by the stages behind, which stop later.
        self->state.stopping = true;
        flush(self, lost);
        return stopped_atom_v;
      },
      [self, p, lost](tick_atom) {
        if (self->state.stopping)
          return;
        tick(self, p, lost);
        auto& s = self->state;
        auto now = now_of(p);
        auto wait = s.pool->until_due_ms(now, p->longest_tick.count());
        s.next_tick_ns = now.monotonic_ns + wait * 1'000'000;
        if (!s.gathered.batches.empty() && is_urgent(s, p))
          flush(self, lost);
        self->delayed_send(self, std::chrono::milliseconds(wait), tick_atom_v);
      },
      [self, p, lost](targets_atom, const target_sets_ptr& sets) {
        self->state.pool->apply(*sets, now_of(p));
        // New targets may be due before the next tick that was planned without them.
        tick(self, p, lost);
      },
      [self, p, lost](fetched_atom, const fetch_results_ptr& got) {
        self->state.inbox->close();
        auto now = now_of(p);
        for (auto& r : *got)
          read(self, p, r, now, lost);
      },
      [self, lost](flush_atom) {
        self->state.flush_planned = false;
        flush(self, lost);
      },
      [self](sweep_atom) { sweep(self, self->state.asked); },
      [self, lost](put_atom, const offered_scrapes_ptr& offer) {
        self->state.window.push(offer);
        pump(self, lost);
      },
      [self](pools_atom) -> pool_states_ptr {
        return std::make_shared<const scrape::pool_states>(self->state.pool->states());
      },
      [self, lost](links_atom, const links_ptr& peers) {
        self->state.peers = peers;
        pump(self, lost);
      },
  };
}

}  // namespace troupe::actors
