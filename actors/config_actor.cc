#include "actors/config_actor.h"

#include "storage/base/log.h"

namespace troupe::actors {

namespace {

const logger log("config");

using self_ptr = config_actor::stateful_pointer<config_state>;
using params_ptr = std::shared_ptr<const config_params>;

void distribute(self_ptr self) {
  const auto& s = self->state;
  if (!s.peers || !s.current)
    return;
  self->send(s.peers->http, config_atom_v, s.current);
  self->send(s.peers->discovery, config_atom_v, s.current);
  self->send(s.peers->maintenance, config_atom_v, s.current);
  self->send(s.peers->notify, config_atom_v, s.current);
  self->send(s.peers->send, config_atom_v, s.current);
  self->send(s.peers->federation, config_atom_v, s.current);
  self->send(s.peers->publish, config_atom_v, s.current);
  self->send(s.peers->consume, config_atom_v, s.current);
  self->send(s.peers->feed, config_atom_v, s.current);
  self->send(s.peers->aggregate, config_atom_v, s.current);
  for (const auto& r : s.peers->rules)
    self->send(r, config_atom_v, s.current);
}

struct outcome_gauges {
  gauge* ok;
  gauge* when;
};

outcome_gauges make_gauges(registry& r) {
  auto* ok = &r.get_gauge("troupe_config_last_reload_successful",
                          "Whether the last configuration reload attempt was successful.");
  auto* when = &r.get_gauge("troupe_config_last_reload_success_timestamp_seconds",
                            "Time of the last successful configuration reload.");
  r.add_alias("troupe_config_last_reload_successful", "prometheus_config_last_reload_successful");
  r.add_alias("troupe_config_last_reload_success_timestamp_seconds",
              "prometheus_config_last_reload_success_timestamp_seconds");
  return {ok, when};
}

// `sum` was taken before, so that a change made meanwhile is seen the next time.
status reload(self_ptr self, const params_ptr& p, const outcome_gauges& gauges,
              std::optional<uint64_t> sum) {
  auto loaded = p->load();
  gauges.ok->set(loaded.ok());
  if (p->attempted)
    p->attempted(loaded.ok());
  if (!loaded.ok()) {
    log.error("reload failed, the old configuration stays in force: {}", loaded.error().message());
    return loaded.error();
  }
  gauges.when->set(static_cast<double>(p->clk->now_ms()) / 1000);
  self->state.current = std::move(*loaded);
  self->state.checksum = sum;
  if (p->accepted)
    p->accepted(self->state.current);
  distribute(self);
  log.info("configuration reloaded");
  return {};
}

// Nothing if nobody needs it or the files cannot be read.
std::optional<uint64_t> checksum_of(const params_ptr& p) {
  if (p->auto_reload_every.count() == 0)
    return std::nullopt;
  auto sum = p->checksum();
  if (sum.ok())
    return *sum;
  log.error("cannot tell whether the configuration changed: {}", sum.error().message());
  return std::nullopt;
}

// As Prometheus: what cannot be summed up is tried, too, and says why it fails; a reload that
// failed is tried again the next time.
void look_for_changes(self_ptr self, const params_ptr& p, const outcome_gauges& gauges) {
  auto sum = checksum_of(p);
  if (sum && sum == self->state.checksum)
    return;
  log.info("the configuration's files changed: reloading");
  reload(self, p, gauges, sum).ignore();
}

}  // namespace

config_actor::behavior_type configuration(self_ptr self, config_params params) {
  auto p = std::make_shared<const config_params>(std::move(params));
  self->state.current = p->initial;
  self->state.checksum = p->initial_checksum;
  const auto gauges = make_gauges(*p->metrics);
  gauges.ok->set(1);
  gauges.when->set(static_cast<double>(p->clk->now_ms()) / 1000);
  if (p->auto_reload_every.count() > 0)
    self->delayed_send(self, p->auto_reload_every, tick_atom_v);
  return {
      [](ping_atom) { return pong_atom_v; },
      [self](stop_atom) {
        self->state.stopping = true;
        return stopped_atom_v;
      },
      [=](reload_atom) -> status_ptr {
        return std::make_shared<const status>(reload(self, p, gauges, checksum_of(p)));
      },
      [=](tick_atom) {
        if (self->state.stopping)
          return;
        look_for_changes(self, p, gauges);
        self->delayed_send(self, p->auto_reload_every, tick_atom_v);
      },
      [self](links_atom, const links_ptr& peers) {
        auto before = std::exchange(self->state.peers, peers);
        const auto& s = self->state;
        if (!s.current)
          return;
        // Whoever is new or was restarted has no configuration yet.
        if (!before || before->http != peers->http)
          self->send(peers->http, config_atom_v, s.current);
        if (!before || before->discovery != peers->discovery)
          self->send(peers->discovery, config_atom_v, s.current);
        if (!before || before->maintenance != peers->maintenance)
          self->send(peers->maintenance, config_atom_v, s.current);
        if (!before || before->notify != peers->notify)
          self->send(peers->notify, config_atom_v, s.current);
        if (!before || before->send != peers->send)
          self->send(peers->send, config_atom_v, s.current);
        if (!before || before->federation != peers->federation)
          self->send(peers->federation, config_atom_v, s.current);
        if (!before || before->publish != peers->publish)
          self->send(peers->publish, config_atom_v, s.current);
        if (!before || before->consume != peers->consume)
          self->send(peers->consume, config_atom_v, s.current);
        if (!before || before->feed != peers->feed)
          self->send(peers->feed, config_atom_v, s.current);
        if (!before || before->aggregate != peers->aggregate)
          self->send(peers->aggregate, config_atom_v, s.current);
        for (size_t i = 0; i < peers->rules.size(); ++i)
          if (!before || before->rules[i] != peers->rules[i])
            self->send(peers->rules[i], config_atom_v, s.current);
      },
  };
}

}  // namespace troupe::actors
