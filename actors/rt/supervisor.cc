#include "actors/rt/supervisor.h"

#include "actors/rt/type_ids.h"
#include "storage/base/log.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>

namespace troupe::actors {

namespace {

const logger log("supervisor");

struct child {
  child_spec spec;
  caf::actor handle;
  uint64_t generation =
      0;  ///< outdates queued pings and restarts: delayed messages cannot be cancelled
  std::deque<caf::actor_clock::time_point> deaths;
  unsigned failures = 0;
};

class supervision : public std::enable_shared_from_this<supervision> {
 public:
  supervision(caf::event_based_actor* self, supervisor_options options)
      : self_(self), opts_(std::move(options)) {
    for (auto& spec : opts_.children)
      children_.push_back({std::move(spec), nullptr, 0, {}, 0});
    if (opts_.metrics)
      restarts_ = &opts_.metrics->get_counter("troupe_actor_restarts_total",
                                              "Leaf actors restarted after a failure.");
  }

  void start_all() {
    for (size_t i = 0; i < children_.size(); ++i)
      start(i);
  }

  void start(size_t i) {
    child& c = children_[i];
    try {
      c.handle = c.spec.start();
    } catch (const std::exception& e) {
      log.error("actor {} failed to start: {}", c.spec.name, e.what());
      died(i, e.what());
      return;
    }
    ++c.generation;
    self_->monitor(c.handle);
    if (opts_.started)
      opts_.started(c.spec.name, c.handle);
    if (c.spec.heartbeat_timeout.count() > 0)
      plan_ping(i);
  }

  /// Pings of all children fall on common instants: one wake-up of the process for all of them.
  void plan_ping(size_t i) {
    const child& c = children_[i];
    const auto every = std::chrono::nanoseconds(c.spec.heartbeat_every);
    const auto now = self_->clock().now().time_since_epoch();
    self_->delayed_send(self_, every - now % every, ping_atom_v, i, c.generation);
  }

  void on_down(const caf::down_msg& dm) {
    for (size_t i = 0; i < children_.size(); ++i) {
      child& c = children_[i];
      if (c.handle && c.handle.address() == dm.source) {
        c.handle = nullptr;
        if (!stopping_)
          died(i, self_->system().render(dm.reason));
        return;
      }
    }
  }

  void ping(size_t i, uint64_t generation) {
    child& c = children_[i];
    if (!c.handle || c.generation != generation || stopping_)
      return;
    if (opts_.alive)
      opts_.alive();
    auto me = shared_from_this();
    self_
        ->request<caf::message_priority::high>(c.handle, caf::duration{c.spec.heartbeat_timeout},
                                               ping_atom_v)
        .then(
            [me, i, generation](pong_atom) {
              if (me->children_[i].generation == generation)
                me->plan_ping(i);
            },
            [me, i, generation](caf::error& e) {
              child& mute = me->children_[i];
              if (mute.generation != generation || !mute.handle || me->stopping_)
                return;
              me->self_->demonitor(mute.handle);
              me->self_->send_exit(mute.handle, caf::exit_reason::kill);
              mute.handle = nullptr;
              me->died(i, "no heartbeat: " + me->self_->system().render(e));
            });
  }

  void restart(size_t i, uint64_t generation) {
    child& c = children_[i];
    if (!c.handle && c.generation == generation && !stopping_)
      start(i);
  }

  /// Stops phase after phase; answers `done` when the last child has answered or its phase's
  /// deadline has passed.
  void stop(caf::typed_response_promise<stopped_atom> done) {
    if (stopping_) {
      done.deliver(stopped_atom_v);
      return;
    }
    stopping_ = true;
    done_ = std::move(done);
    std::vector<int> phases;
    for (const child& c : children_)
      phases.push_back(c.spec.stop_phase);
    std::sort(phases.begin(), phases.end());
    phases.erase(std::unique(phases.begin(), phases.end()), phases.end());
    phases_.assign(phases.begin(), phases.end());
    next_phase();
  }

 private:
  void died(size_t i, const std::string& why) {
    child& c = children_[i];
    ++c.generation;
    if (!c.spec.leaf) {
      opts_.fatal(exit_code::core_actor_died, "actor " + c.spec.name + " died: " + why);
      return;
    }
    auto now = self_->clock().now();
    while (!c.deaths.empty() && now - c.deaths.front() > opts_.restart_window)
      c.deaths.pop_front();
    if (c.deaths.empty())
      c.failures = 0;
    c.deaths.push_back(now);
    if (c.deaths.size() > opts_.max_restarts) {
      opts_.fatal(exit_code::core_actor_died,
                  "actor " + c.spec.name + " spent its restart budget: " + why);
      return;
    }
    auto wait = std::min(opts_.max_backoff, opts_.min_backoff * (1 << std::min(c.failures++, 16u)));
    log.warn("actor {} died ({}), restarting in {} ms", c.spec.name, why, wait.count());
    if (restarts_)
      restarts_->add();
    self_->delayed_send(self_, wait, restart_atom_v, i, c.generation);
  }

  void next_phase() {
    while (!phases_.empty()) {
      int phase = phases_.front();
      phases_.pop_front();
      auto waiting = std::make_shared<size_t>(0);
      auto me = shared_from_this();
      auto one_done = [me, waiting] {
        if (--*waiting == 0)
          me->next_phase();
      };
      std::vector<child*> members;
      for (child& c : children_) {
        if (c.spec.stop_phase == phase && c.handle)
          members.push_back(&c);
      }
      *waiting = members.size();
      for (child* c : members) {
        self_->request(c->handle, caf::duration{opts_.phase_deadline}, stop_atom_v)
            .then([one_done](stopped_atom) { one_done(); },
                  [me, one_done, name = c->spec.name](caf::error& e) {
                    log.warn("actor {} did not stop in time: {}", name,
                             me->self_->system().render(e));
                    one_done();
                  });
      }
      if (!members.empty())
        return;
    }
    for (child& c : children_) {
      if (c.handle)
        self_->send_exit(c.handle, caf::exit_reason::kill);
    }
    done_.deliver(stopped_atom_v);
  }

  caf::event_based_actor* self_;
  supervisor_options opts_;
  std::vector<child> children_;
  counter* restarts_ = nullptr;
  bool stopping_ = false;
  std::deque<int> phases_;
  caf::typed_response_promise<stopped_atom> done_;
};

}  // namespace

caf::behavior supervisor(caf::event_based_actor* self, supervisor_options options) {
  auto state = std::make_shared<supervision>(self, std::move(options));
  self->set_down_handler([state](caf::down_msg& dm) { state->on_down(dm); });
  state->start_all();
  return {
      [state](ping_atom, size_t child, uint64_t generation) { state->ping(child, generation); },
      [state](restart_atom, size_t child, uint64_t generation) {
        state->restart(child, generation);
      },
      [](ping_atom) { return pong_atom_v; },
      [self, state](stop_atom) {
        auto done = self->make_response_promise<stopped_atom>();
        state->stop(done);
        return done;
      },
  };
}

}  // namespace troupe::actors
