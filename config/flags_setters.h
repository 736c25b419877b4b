// Flags of a subcommand, each with the function that sets it in the command's struct. For the
// grammars.
#pragma once

#include "storage/base/duration.h"
#include "storage/base/quote.h"
#include "storage/base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace troupe::config {

/// A flag with a value that may be repeated.
void add_repeated(CLI::App& app, const std::string& name, std::vector<std::string>& to);

inline status bad_flag(std::string_view what, const std::string& text) {
  return {errc::invalid_argument, std::string(what) + ": " + troupe::quoted(text)};
}

/// Setters of fields, by pointer to member.
template <class Command>
struct flag_setters {
  template <auto Field>
  static status text(Command& c, const std::string& text) {
    c.*Field = text;
    return {};
  }
  template <auto Field, int64_t Least = 0>
  static status duration(Command& c, const std::string& text) {
    TROUPE_ASSIGN(c.*Field, parse_duration(text));
    return c.*Field < Least ? bad_flag("too short", text) : status();
  }
  static status output(Command& c, const std::string& text) {
    if (text != "json" && text != "text")
      return bad_flag("must be text or json, got", text);
    c.json = text == "json";
    return {};
  }
};

template <class Command>
struct settable_flag {
  const char* name;  ///< "output,-o": with a short form
  status (*set)(Command&, const std::string& text);
};

/// What was given on the command line, by flag; CLI11 only splits.
template <class Command, size_t Count>
class given_flags {
 public:
  using table = settable_flag<Command>[Count];

  void add_to(CLI::App& app, const table& flags) {
    for (size_t f = 0; f < Count; ++f)
      add_repeated(app, std::string("--") + flags[f].name, values_[f]);
  }
  /// invalid_argument names the flag.
  status apply(const table& flags, Command& to) const {
    for (size_t f = 0; f < Count; ++f)
      for (const auto& text : values_[f])
        if (const auto s = flags[f].set(to, text); !s.ok()) {
          const std::string_view name(flags[f].name);
          return s.with_context("--" + std::string(name.substr(0, name.find(','))));
        }
    return {};
  }

 private:
  std::array<std::vector<std::string>, Count> values_;
};

}  // namespace troupe::config
