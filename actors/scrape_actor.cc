#include "actors/scrape_actor.h"

#include "actors/rt/post_results.h"
#include "pipeline/api/event_lines.h"
#include "pipeline/ingest/ingester.h"
#include "storage/base/random.h"

namespace troupe::actors {

namespace {

using self_ptr = scrape_actor::stateful_pointer<scrape_actor_state>;
using params_ptr = std::shared_ptr<const scrape_params>;

/// A scrape's batch is offered so often, a second apart, before its samples count as lost.
constexpr int max_attempts = 4;

bool may_retry(const status& s) {
  return s.code() == errc::unavailable || s.code() == errc::no_space || s.code() == errc::timeout;
}

scrape::pool_time now_of(const params_ptr& p) { return {p->clk->now_ms(), p->clk->monotonic_ns()}; }

void pump(self_ptr self, counter* lost);

void answered(self_ptr self, const scrape_actor_state::item& i, const status& s, counter* lost) {
  self->state.window.acked();
  if (may_retry(s) && i.attempts + 1 < max_attempts && !self->state.stopping) {
    self->delayed_send(self, std::chrono::seconds(1), put_atom_v, i.token, i.batch, i.attempts + 1);
  } else {
    if (!s.ok())
      lost->add(static_cast<double>(i.batch->sample_count()));
    self->state.pool->on_ack(i.token);
  }
  pump(self, lost);
}

void pump(self_ptr self, counter* lost) {
  if (!self->state.peers)
    return;
  self->state.window.pump([&](scrape_actor_state::item i) {
    self->request(self->state.peers->router, stage_timeout, put_atom_v, i.batch, false)
        .then([self, i, lost](const outcome_ptr& o) { answered(self, i, o->error, lost); },
              [self, i, lost](caf::error& e) {
                answered(self, i, {errc::unavailable, self->system().render(e)}, lost);
              });
  });
}

void tick(self_ptr self, const params_ptr& p, counter* lost) {
  auto& s = self->state;
  auto work = s.pool->due(now_of(p));
  if (!work.fetches.empty())
    p->fetcher->fetch(std::move(work.fetches), post_results(scrape_actor(self)));
  for (auto& b : work.batches)
    s.window.push({b.token, std::move(b.batch), 0});
  pump(self, lost);
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
  auto* lost = &p->metrics->get_counter("troupe_scrape_samples_lost_total",
                                        "Scraped samples that could not be stored after all attempts.");
  self->state.window = flow_window<scrape_actor_state::item>(p->window);
  scrape::pool_environment env{p->metrics, p->endpoints, {}};
  if (p->lines)
    env.on_failure = [p](const config::scrape_config& job, const discover::target& t, std::string_view error) {
      p->lines->add(job.scrape_failure_log_file,
                    api::scrape_failure_line(p->clk->now_ms(), job.job_name, t.url, error));
    };
  self->state.pool = std::make_unique<scrape::scrape_pool>(p->pool, std::move(env), now_of(p));
  self->delayed_send(self, std::chrono::milliseconds(10), tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        // What was scraped and is on its way is stored by the stages behind, which stop later.
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [self, p, lost](tick_atom) {
        if (self->state.stopping)
          return;
        tick(self, p, lost);
        auto wait = self->state.pool->until_due_ms(now_of(p), p->longest_tick.count());
        self->delayed_send(self, std::chrono::milliseconds(wait), tick_atom_v);
      },
      [self, p, lost](targets_atom, const target_sets_ptr& sets) {
        self->state.pool->apply(*sets, now_of(p));
        // New targets may be due before the next tick that was planned without them.
        tick(self, p, lost);
      },
      [self, p, lost](fetched_atom, const fetch_results_ptr& got) {
        auto now = now_of(p);
        for (auto& r : *got) {
          if (auto out = self->state.pool->on_result(std::move(r), now))
            self->state.window.push({out->token, std::move(out->batch), 0});
        }
        pump(self, lost);
      },
      [self, lost](put_atom, uint64_t token, const batch_ptr& batch, int attempts) {
        self->state.window.push({token, batch, attempts});
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
