// The grants that a client's requests need, by source: what is in force, when a new one is asked
// for, how far a talk is. Plain class: its owner makes the requests. One owner; times are passed
// in.
#pragma once

#include "pipeline/http/grant.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace troupe::http {

class grant_book {
 public:
  /// Null if there is none.
  const grant* in_force(const grant_source& from, int64_t now_ns) const;
  /// There is none in force or it ends soon, and nobody asks yet.
  bool is_due(const grant_source& from, int64_t now_ns) const;
  bool is_asking(const grant_source& from) const;
  /// Begins the talk with a source. The request to make, whose result goes to take(); none: it is
  /// over, see in_force().
  std::optional<transfer_spec> begin(const grant_source_ptr& from, int64_t now_ns, int64_t now_ms);
  std::optional<transfer_spec> take(const grant_source& from, const fetch_result& answer,
                                    int64_t now_ns, int64_t now_ms);
  /// Why the last talk gave no grant.
  status why_none(const grant_source& from) const;
  /// A server does not take the grant: it is used no more.
  void refuse(const grant_source& from);

 private:
  struct slot {
    grant_source_ptr from;
    grant given;
    int64_t renew_ns = 0, end_ns = 0;
    bool asking = false;
    decltype(question::then) then;
    status why;
  };

  const slot* find(const grant_source& from) const;
  std::optional<transfer_spec> proceed(slot& s, result<grant_step> step, int64_t now_ns);

  std::map<const grant_source*, slot> slots_;
};

}  // namespace troupe::http
