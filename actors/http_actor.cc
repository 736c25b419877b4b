#include "actors/http_actor.h"

#include <algorithm>

namespace troupe::actors {

namespace {

using self_ptr = http_actor::stateful_pointer<http_state>;
using params_ptr = std::shared_ptr<const http_params>;

void pump(self_ptr self, http_state::lane& lane) {
  while (!lane.queue.empty() && !lane.idle.empty() && self->state.peers) {
    auto call = std::move(lane.queue.front());
    lane.queue.pop_front();
    call->worker = lane.idle.back();
    lane.idle.pop_back();
    self->send(self->state.peers->query[call->worker], call_atom_v, call);
  }
}

/// In the place of a worker's index: a remote read is over.
constexpr size_t read_is_over = SIZE_MAX;

void enqueue(self_ptr self, const params_ptr& p, const http_call_ptr& call) {
  const auto kind = call->route->kind;
  bool query = kind == api::route_kind::query || kind == api::route_kind::read;
  auto& lane = query ? self->state.queries : self->state.reserve;
  if (lane.queue.size() >= p->max_queue) {
    call->respond(api::overloaded("too many requests are waiting"));
    return;
  }
  if (query)
    call->queue_deadline_ns = p->clk->monotonic_ns() + p->queue_timeout_ms * 1'000'000;
  lane.queue.push_back(call);
  pump(self, lane);
}

/// A remote read counts until its permit is gone, which may be on a connection's thread.
void start_read(self_ptr self, const params_ptr& p, const http_call_ptr& call) {
  ++self->state.reads;
  const auto bridge = caf::actor_cast<caf::weak_actor_ptr>(self);
  call->gathered.permit = std::shared_ptr<void>(nullptr, [bridge](void*) {
    if (const auto alive = bridge.lock())
      caf::anon_send(caf::actor_cast<http_actor>(alive), free_atom_v, read_is_over);
  });
  enqueue(self, p, call);
}

void admit_read(self_ptr self, const params_ptr& p, const http_call_ptr& call) {
  auto& s = self->state;
  if (p->read_limit == 0 || s.reads < p->read_limit)
    return start_read(self, p, call);
  if (s.waiting_reads.size() >= p->max_queue) {
    call->respond(api::overloaded("too many remote reads are waiting"));
    return;
  }
  s.waiting_reads.push_back(call);
}

void end_read(self_ptr self, const params_ptr& p) {
  auto& s = self->state;
  --s.reads;
  if (s.waiting_reads.empty() || s.stopping)
    return;
  auto call = std::move(s.waiting_reads.front());
  s.waiting_reads.pop_front();
  start_read(self, p, call);
}

/// Asks every scrape actor and discovery for their state, then goes on; one that does not answer is
/// left out.
void gather(self_ptr self, const params_ptr& p, const http_call_ptr& call) {
  const auto& peers = *self->state.peers;
  call->missing = peers.scrape.size() + 1;
  call->gathered.pools.resize(peers.scrape.size());
  auto one_done = [self, p, call] {
    if (--call->missing == 0)
      enqueue(self, p, call);
  };
  for (size_t i = 0; i < peers.scrape.size(); ++i) {
    self->request(peers.scrape[i], std::chrono::seconds(5), pools_atom_v)
        .then(
            [call, i, one_done](const pool_states_ptr& s) {
              call->gathered.pools[i] = s;
              one_done();
            },
            [one_done](caf::error&) { one_done(); });
  }
  self->request(peers.discovery, std::chrono::seconds(5), pools_atom_v)
      .then(
          [call, one_done](const discovery_state_ptr& s) {
            call->gathered.discovery = s;
            one_done();
          },
          [one_done](caf::error&) { one_done(); });
}

/// Takes over the new handles; a worker that was replaced is idle whatever its predecessor was
/// doing.
void adopt(http_state& s, const http_params& p, const links_ptr& peers) {
  for (size_t i = 0; s.peers && i < peers->query.size(); ++i) {
    auto& idle = (i < p.query_workers ? s.queries : s.reserve).idle;
    if (peers->query[i] != s.peers->query[i] &&
        std::find(idle.begin(), idle.end(), i) == idle.end())
      idle.push_back(i);
  }
  s.peers = peers;
}

void dispatch(self_ptr self, const params_ptr& p, const http_call_ptr& call) {
  call->gathered.config = self->state.config;
  call->gathered.config_yaml = self->state.config_yaml;
  const auto kind = call->route->kind;
  if (kind == api::route_kind::immediate) {
    auto answer = p->api->handle(*call->route, call->request, call->gathered);
    call->respond(std::move(std::get<http::response>(answer)));
    return;
  }
  if (self->state.stopping || !self->state.peers) {
    call->respond(api::overloaded("the node is starting or stopping"));
    return;
  }
  const auto& peers = *self->state.peers;
  switch (kind) {
    case api::route_kind::targets:
      gather(self, p, call);
      break;
    case api::route_kind::admin:
      self->send(peers.maintenance, call_atom_v, call);
      break;
    case api::route_kind::reload:
      self->request(peers.config, stage_timeout, reload_atom_v)
          .then([call](const status_ptr& s) { call->respond(api::reload_answer(*s)); },
                [call](caf::error&) {
                  call->respond(api::overloaded("the configuration actor does not answer"));
                });
      break;
    case api::route_kind::quit:
      call->respond({200,
                     "text/plain; charset=utf-8",
                     {},
                     "Requesting termination... Goodbye!",
                     {},
                     "/-/quit"});
      p->quit();
      break;
    case api::route_kind::feed:
      self->send(peers.feed, call_atom_v, call);
      break;
    case api::route_kind::read:
      admit_read(self, p, call);
      break;
    default:
      enqueue(self, p, call);
  }
}

}  // namespace

http_actor::behavior_type http_bridge(self_ptr self, http_params params) {
  auto p = std::make_shared<const http_params>(std::move(params));
  for (size_t i = 0; i < p->query_workers; ++i)
    self->state.queries.idle.push_back(i);
  for (size_t i = 0; i < p->reserve_workers; ++i)
    self->state.reserve.idle.push_back(p->query_workers + i);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        auto& s = self->state;
        s.stopping = true;
        for (auto* lane : {&s.queries, &s.reserve}) {
          for (auto& call : lane->queue)
            call->respond(api::overloaded("the node is stopping"));
          lane->queue.clear();
        }
        for (auto& call : s.waiting_reads)
          call->respond(api::overloaded("the node is stopping"));
        s.waiting_reads.clear();
        return stopped_atom_v;
      },
      [self, p](call_atom, const http_call_ptr& call) { dispatch(self, p, call); },
      [self, p](free_atom, size_t worker) {
        if (worker == read_is_over)
          return end_read(self, p);
        auto& lane = worker < p->query_workers ? self->state.queries : self->state.reserve;
        lane.idle.push_back(worker);
        pump(self, lane);
      },
      [self, p](config_atom, const config_ptr& c) {
        self->state.config = c;
        self->state.config_yaml = p->render_config(c);
      },
      [self, p](links_atom, const links_ptr& peers) {
        adopt(self->state, *p, peers);
        pump(self, self->state.queries);
        pump(self, self->state.reserve);
      },
  };
}

}  // namespace troupe::actors
