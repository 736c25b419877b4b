// Expressions of all kinds, by a grammar and a seed. Most of them can be evaluated.
#pragma once

#include "storage/base/random.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

class expression_maker {
 public:
  explicit expression_maker(uint64_t seed) : random_(seed) {}

  std::string expression() {
    return chance(12) ? scalar(3) + " + " + scalar(2) : vector(1 + random_.below(3));
  }

 private:
  using texts = std::initializer_list<std::string_view>;

  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  std::string one_of(texts t) { return std::string(*(t.begin() + random_.below(t.size()))); }
  std::string number() { return one_of({"0", "1", "2.5", "-3", "0.1", "1e3", "NaN", "Inf"}); }

  std::string shift() {
    if (!chance(6))
      return {};
    return one_of(
        {" offset 45s", " offset -30s", " @ 600", " @ start()", " @ end()", " @ end() offset 1m"});
  }
  std::string bare_selector() {
    if (chance(14))
      return one_of({"{__name__=~\"m|n\"}", "{job=\"api\",__name__!=\"h\"}", "{zone!=\"\"}"});
    const std::string name = one_of({"m", "n", "z", "m", "n", "z", "c_total", "b_bucket", "h"});
    if (!chance(3))
      return name;
    return name + one_of({"{job=\"api\"}", "{region=\"eu\"}", "{region=~\"us|\"}",
                          "{region!=\"us\",instance!=\"1\"}", "{zone=\"\"}", "{A=\"1\"}"});
  }
  std::string range(uint64_t depth) {
    if (depth > 0 && chance(4))
      return "(" + vector(depth - 1) + ")" +
             one_of({"[3m:]", "[3m:40s]", "[2m:15s] offset 20s", "[4m:] @ end()"});
    return bare_selector() + one_of({"[1m]", "[3m]", "[5m]"}) + shift();
  }

  std::string constant() {
    return chance(4) ? one_of({"time()", "pi() * 2", "(1 + 2)", "-time() / 3"}) : number();
  }
  std::string scalar(uint64_t depth) {
    return depth == 0 || !chance(4) ? constant() : "scalar(" + vector(depth - 1) + ")";
  }

  std::vector<std::string> some_labels(bool parting) {
    std::vector<std::string> out;
    for (const std::string_view l : {"job", "instance", "zone", "A"})
      if (chance(3))
        out.emplace_back(l);
    if (parting)
      out.emplace_back("region");
    return out;
  }
  static std::string list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& n : names)
      out += (out.empty() ? "(" : ", ") + n;
    return out.empty() ? "()" : out + ")";
  }
  std::string grouping() {
    if (chance(5))
      return {};
    const bool without = chance(3);
    return (without ? " without " : " by ") + list(some_labels(chance(2) != without)) + " ";
  }

  std::string aggregation(uint64_t depth) {
    const std::string by = grouping();
    const std::string of = vector(depth - 1);
    switch (random_.below(8)) {
      case 0:
        return one_of({"topk", "bottomk"}) + by + "(" + one_of({"1", "2", "3", "5", "scalar(m)"}) +
               ", " + of + ")";
      case 1:
        return "quantile" + by + "(" + one_of({"0.5", "0.9", "0", "scalar(z)"}) + ", " + of + ")";
      case 2:
        return "count_values" + by + "(" + one_of({"\"v\"", "\"job\"", "\"region\""}) + ", " + of +
               ")";
      case 3:
        return chance(2) ? "limitk" + by + "(2, " + of + ")"
                         : "limit_ratio" + by + "(0.5, " + of + ")";
      default:
        return one_of({"sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"}) + by +
               "(" + of + ")";
    }
  }

  // The right side has one series of each group, mostly.
  std::string joined(uint64_t depth) {
    const auto labels = some_labels(!chance(4));
    const std::string lhs = vector(depth - 1);
    const std::string rhs = chance(5) ? vector(depth - 1)
                                      : one_of({"sum", "max", "count"}) + " by " + list(labels) +
                                            " (" + vector(depth - 1) + ")";
    const std::string op = one_of({" + ", " - ", " * ", " / ", " > ", " == bool ", " <= ", " ^ "});
    const std::string on = " on " + list(labels);
    if (chance(6))
      return lhs + op + on + " " + rhs;
    const std::string more = one_of({"", "zone", "region"});
    const bool matched = std::find(labels.begin(), labels.end(), more) != labels.end();
    return lhs + op + on + " group_left (" + (matched ? "" : more) + ") " + rhs;
  }
  std::string binary(uint64_t depth) {
    switch (random_.below(5)) {
      case 0:
        return joined(depth);
      case 1:
        return vector(depth - 1) + one_of({" and ", " or ", " unless "}) +
               (chance(2) ? ""
                          : one_of({"on ", "ignoring "}) + list(some_labels(chance(2))) + " ") +
               vector(depth - 1);
      case 2:
        return vector(depth - 1) + one_of({" + ", " * ", " >= ", " < bool ", " % "}) +
               scalar(depth);
      case 3:
        return scalar(depth) + one_of({" - ", " / ", " > ", " == bool "}) + vector(depth - 1);
      default:
        return vector(depth - 1) + one_of({" + ", " - ", " / ", " > ", " != bool "}) +
               (chance(6)   ? "fill (0) "
                : chance(4) ? "ignoring (zone) "
                            : "") +
               vector(depth - 1);
    }
  }

  std::string special(uint64_t depth) {
    const std::string of = vector(depth - 1);
    switch (random_.below(12)) {
      case 0:
        return "-" + of;
      case 1:
        return one_of({"sort", "sort_desc"}) + "(" + of + ")";
      case 2:
        return "absent(" + of + ")";
      case 3:
        return "label_replace(" + of + ", " + one_of({"\"zone\"", "\"region\"", "\"new\""}) +
               ", \"x$1\", " + one_of({"\"instance\"", "\"region\"", "\"job\""}) + ", \"(.*)\")";
      case 4:
        return "label_join(" + of + ", " + one_of({"\"zone\"", "\"new\"", "\"region\""}) +
               ", \"-\", \"job\", " + one_of({"\"instance\"", "\"region\""}) + ")";
      case 5:
        return "histogram_quantile(" + scalar(1) + ", b_bucket)";
      case 6:
        return "histogram_quantile(0.7, sum by (le" + one_of({"", ", region", ", job"}) +
               ") (rate(b_bucket[3m])))";
      case 7:
        return "timestamp(" + of + ")";
      case 8:
        return "sort_by_label(" + of + ", \"instance\")";
      case 9:
        return one_of({"histogram_count", "histogram_sum"}) + "(" +
               one_of({"h", "rate(h[3m])", "sum(h)", "sum by (region) (rate(h[3m]))"}) + ")";
      case 10:
        return "vector(" + scalar(depth) + ")";
      default:
        return "info(" + of + ")";
    }
  }

  std::string vector(uint64_t depth) {
    if (depth == 0)
      return bare_selector() + shift();
    switch (random_.below(9)) {
      case 0:
        return bare_selector() + shift();
      case 1:
        return one_of({"rate", "increase", "delta", "irate", "changes", "resets", "deriv",
                       "avg_over_time", "sum_over_time", "min_over_time", "max_over_time",
                       "last_over_time", "first_over_time", "count_over_time", "stddev_over_time",
                       "present_over_time", "absent_over_time", "ts_of_max_over_time"}) +
               "(" + range(depth) + ")";
      case 2:
        return chance(2) ? one_of({"abs", "ceil", "sqrt", "sgn", "exp", "minute", "floor"}) + "(" +
                               vector(depth - 1) + ")"
                         : one_of({"clamp_min", "clamp_max", "round"}) + "(" + vector(depth - 1) +
                               ", " + one_of({"0.5", "3", "scalar(n)"}) + ")";
      case 3:
      case 4:
      case 5:
        return aggregation(depth);
      case 6:
      case 7:
        return "(" + binary(depth) + ")";
      default:
        return special(depth);
    }
  }

  seeded_random random_;
};

}  // namespace troupe::query
