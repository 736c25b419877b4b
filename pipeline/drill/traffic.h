// Requests to all nodes of a drill that are under way, and who waits for their answers. One owner.
#pragma once

#include "pipeline/drill/node_link.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::drill {

class traffic {
 public:
  using answered = std::function<void(const reply&)>;

  /// `nodes` must outlive it.
  explicit traffic(std::vector<node_link*> nodes) : nodes_(std::move(nodes)) {}

  size_t size() const { return nodes_.size(); }
  const std::string& url(size_t node) const { return nodes_[node]->url(); }
  void get(size_t node, std::string_view path, answered then) {
    nodes_[node]->get(add(std::move(then)), path);
  }
  void post(size_t node, std::string_view path, const http::params& form, answered then) {
    nodes_[node]->post(add(std::move(then)), path, form);
  }
  void write(size_t node, std::string body, answered then) {
    nodes_[node]->write(add(std::move(then)), std::move(body));
  }
  /// Hands out the answers that have come.
  void turn() {
    for (auto* n : nodes_)
      for (const auto& r : n->take())
        if (auto waits = waiting_.extract(r.token))
          waits.mapped()(r);
  }

 private:
  uint64_t add(answered then) {
    waiting_.emplace(++last_, std::move(then));
    return last_;
  }

  const std::vector<node_link*> nodes_;
  std::map<uint64_t, answered> waiting_;
  uint64_t last_ = 0;
};

}  // namespace troupe::drill
