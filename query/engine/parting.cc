#include "query/engine/parting.h"

#include "query/engine/functions.h"
#include "query/parser/selectors.h"

#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace troupe::query {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The labels that the series of a vector can have; names of metrics are another matter.
class label_universe {
 public:
  static label_universe only(const std::vector<std::string>& names) {
    label_universe out;
    out.all_but_ = false;
    out.names_.insert(names.begin(), names.end());
    return out;
  }
  void add(const std::string& name) {
    if (all_but_)
      names_.erase(name);
    else
      names_.insert(name);
  }
  void remove(const std::string& name) {
    if (all_but_)
      names_.insert(name);
    else
      names_.erase(name);
  }
  /// Whether no label is lost where only `names` are kept.
  bool within(const std::vector<std::string>& names) const {
    return !all_but_ && std::all_of(names_.begin(), names_.end(),
                                    [&](const auto& name) { return contains(names, name); });
  }
  /// Whether no label is lost where `names` are taken away.
  bool without(const std::vector<std::string>& names) const {
    return std::all_of(names.begin(), names.end(),
                       [&](const auto& name) { return names_.contains(name) == all_but_; });
  }

 private:
  bool all_but_ = true;
  std::set<std::string> names_;
};

/// What is known of a vector if each place evaluates it. Where it can be, every series keeps the
/// parting label, and nothing looks at the label's value: a place may have left it out.
struct place_vector {
  bool apart = false;
  enum class metric_names : uint8_t { any, one, none } names = metric_names::any;
  enum class series_order : uint8_t { by_labels, by_value, unknown } order = series_order::unknown;
  /// The name of all series; with names == none, the one they had.
  std::string name;
  label_universe universe;

  /// By its labels without the name alone, each series is told from the others.
  bool named_alike() const { return names != metric_names::any; }
};
using metric_names = place_vector::metric_names;
using series_order = place_vector::series_order;

/// The vector that has something else in the place of each series of `v`, or fewer of them.
place_vector mapped(place_vector v) {
  v.apart = v.apart && v.order != series_order::by_value;
  return v;
}

place_vector reordered(place_vector v) {
  v.order = series_order::unknown;
  return v;
}

bool is_trim(bin_op op) {
  return op == bin_op::trim_upper || op == bin_op::trim_lower;
}

bool is_plain(const vector_selector& s) {
  return !s.anchored && !s.smoothed;
}

// The name that all series of a selector have, if they have one.
std::string_view common_name(const vector_selector& s) {
  for (const matcher& m : s.match)
    if (m.name() == metric_name_label && m.op() == match_op::equal)
      return m.value();
  return {};
}

const std::string& text_of(const expr& e) {
  return as<string_literal>(unwrap_parens(e)).value;
}

// A scalar that is the same at every place. What servers have as an experiment is left out.
bool is_constant(const expr& e) {
  switch (e.kind) {
    case node_kind::number:
      return true;
    case node_kind::call: {
      const std::string_view name = as<call_expr>(e).func->name;
      return name == "time" || name == "pi";
    }
    case node_kind::paren:
    case node_kind::unary:
    case node_kind::binary: {
      const auto below = children(e);
      return e.type() == value_type::scalar &&
             std::all_of(below.begin(), below.end(), [](const expr* c) { return is_constant(*c); });
    }
    default:
      return false;
  }
}

bool is_range(const expr& e) {
  const node_kind kind = unwrap_parens(e).kind;
  return kind == node_kind::matrix_selector || kind == node_kind::subquery;
}

// Functions of one vector that give a series for a series.
bool is_map(std::string_view function) {
  constexpr std::string_view names[] = {"clamp", "clamp_max", "clamp_min", "round", "timestamp"};
  return std::find(std::begin(names), std::end(names), function) != std::end(names) ||
         find_float_function(function) != nullptr || find_date_function(function) != nullptr ||
         find_histogram_function(function) != nullptr;
}

bool ranks(agg_op op) {
  return op == agg_op::topk || op == agg_op::bottomk;
}

/// Finds out, from the selectors upwards, which vectors the places can evaluate.
class place_view {
 public:
  explicit place_view(const parting::rules& r) : rules_(r), label_(r.label) {}

  const place_vector& look(const expr& e) {
    const auto known = seen_.find(&e);
    return known != seen_.end() ? known->second : seen_.emplace(&e, judge(e)).first->second;
  }

 private:
  place_vector judge(const expr& e) {
    switch (e.kind) {
      case node_kind::vector_selector:
        return selector(as<vector_selector>(e));
      case node_kind::paren:
        return look(*as<paren_expr>(e).inner);
      case node_kind::unary: {
        const auto& u = as<unary_expr>(e);
        place_vector v = mapped(look(*u.operand));
        return u.negate ? nameless(std::move(v)) : v;
      }
      case node_kind::binary:
        return binary(as<binary_expr>(e));
      case node_kind::aggregate:
        return aggregate(as<aggregate_expr>(e));
      case node_kind::call:
        return call(as<call_expr>(e));
      default:
        return {};
    }
  }

  static place_vector selector(const vector_selector& s) {
    place_vector out;
    out.apart = is_plain(s);
    out.order = series_order::by_labels;
    out.name = common_name(s);
    out.names = out.name.empty() ? metric_names::any : metric_names::one;
    return out;
  }

  // The order of series is that of labels they no longer have: it can be told if that was the same
  // name for all.
  place_vector nameless(place_vector v) const {
    if (v.names == metric_names::any || rules_.metadata_labels)
      v.order = series_order::unknown;
    v.names = metric_names::none;
    return v;
  }

  place_vector binary(const binary_expr& e) {
    if (is_trim(e.op) || e.type() != value_type::vector)
      return {};
    if (!e.matching) {
      const bool left = e.lhs->type() == value_type::vector;
      place_vector v = mapped(look(left ? *e.lhs : *e.rhs));
      v.apart = v.apart && is_constant(left ? *e.rhs : *e.lhs);
      return is_comparison(e.op) && !e.return_bool ? v : nameless(std::move(v));
    }
    const vector_matching& m = *e.matching;
    place_vector lhs = look(*e.lhs);
    place_vector rhs = look(*e.rhs);
    // Series that meet have the same value of the parting label, and are at one place.
    if (!lhs.apart || !rhs.apart || m.on != contains(m.labels, label_) || m.fill_left ||
        m.fill_right || contains(m.include, label_))
      return {};
    if (is_set_operator(e.op)) {
      if (e.op != bin_op::lor)
        return mapped(std::move(lhs));
      place_vector out;
      out.apart = true;
      return out;
    }
    const bool swapped = m.card == vector_card::one_to_many;
    const place_vector& one = swapped ? lhs : rhs;
    // Two series that a sample could be matched with are an error only where the other side has any
    // series at all: others may have them. So there must be no two.
    if (!one.named_alike() ||
        !(m.on ? one.universe.within(m.labels) : one.universe.without(m.labels)))
      return {};
    return matched(e, mapped(std::move(swapped ? rhs : lhs)));
  }

  place_vector matched(const binary_expr& e, place_vector many) const {
    const vector_matching& m = *e.matching;
    if (m.card == vector_card::one_to_one && m.on) {
      many.universe = label_universe::only(m.labels);
      many = reordered(std::move(many));
    } else if (m.card == vector_card::one_to_one) {
      for (const std::string& name : m.labels)
        many.universe.remove(name);
      if (!m.labels.empty())
        many = reordered(std::move(many));
    } else if (!m.include.empty()) {
      for (const std::string& name : m.include)
        many.universe.add(name);
      many = reordered(std::move(many));
    }
    const std::string name(metric_name_label);
    if (contains(m.include, name) || contains(m.labels, name)) {
      many.names = metric_names::any;
      return reordered(std::move(many));
    }
    const bool renamed = !is_comparison(e.op) || e.return_bool;
    return renamed || (m.card == vector_card::one_to_one && m.on) ? nameless(std::move(many))
                                                                  : many;
  }

  place_vector aggregate(const aggregate_expr& e) {
    const place_vector& in = look(*e.operand);
    if (!in.apart || contains(e.grouping, label_) == e.without || e.op == agg_op::limitk ||
        e.op == agg_op::limit_ratio)
      return {};
    if (e.param && e.param->type() == value_type::scalar && !is_constant(*e.param))
      return {};
    if (ranks(e.op)) {
      place_vector out = in;
      out.order = series_order::by_value;
      return out;
    }
    place_vector out;
    out.apart = true;
    out.names = contains(e.grouping, metric_name_label) && !e.without ? metric_names::any
                                                                      : metric_names::none;
    if (e.without) {
      out.universe = in.universe;
      for (const std::string& name : e.grouping)
        out.universe.remove(name);
    } else {
      out.universe = label_universe::only(e.grouping);
    }
    if (e.op == agg_op::count_values) {
      const std::string& label = text_of(*e.param);
      out.apart = label != label_;
      out.names = metric_names::any;
      out.universe.add(label);
    }
    return out;
  }

  place_vector call(const call_expr& e) {
    const std::string_view name = e.func->name;
    if (e.func->experimental)
      return {};
    for (const expr_ptr& arg : e.args)
      if (arg->type() == value_type::scalar && !is_constant(*arg))
        return {};
    for (const expr_ptr& arg : e.args)
      if (is_range(*arg))
        return range_call(name, unwrap_parens(*arg));
    if (name == "label_replace" || name == "label_join")
      return relabeled(e);
    if ((name == "histogram_quantile" || name == "histogram_fraction") && label_ != "le") {
      place_vector v = reordered(look(*e.args.back()));
      v.universe.remove("le");
      return nameless(std::move(v));
    }
    if (is_map(name) && !e.args.empty())
      return nameless(mapped(look(*e.args[0])));
    return {};
  }

  place_vector range_call(std::string_view function, const expr& range) {
    if (find_range_function(function) == nullptr || function == "absent_over_time")
      return {};
    place_vector v =
        mapped(look(range.kind == node_kind::subquery ? *as<subquery_expr>(range).inner
                                                      : *as<matrix_selector>(range).selector));
    const bool keeps_name = function == "last_over_time" || function == "first_over_time";
    return keeps_name ? v : nameless(std::move(v));
  }

  // label_replace(v, dst, replacement, src, regex), label_join(v, dst, separator, src…)
  place_vector relabeled(const call_expr& e) {
    const std::string& to = text_of(*e.args[1]);
    const bool replace = e.func->name == "label_replace";
    for (size_t i = 3; i < (replace ? 4 : e.args.size()); ++i)
      if (text_of(*e.args[i]) == label_)
        return {};
    if (to == label_)
      return {};
    place_vector v = reordered(mapped(look(*e.args[0])));
    if (to == metric_name_label)
      v.names = metric_names::any;
    v.universe.add(to);
    return v;
  }

  const parting::rules& rules_;
  std::string label_;
  std::unordered_map<const expr*, place_vector> seen_;
};

/// Goes down from the root and stops at what the places can evaluate.
class part_finder {
 public:
  part_finder(const figure_selectors& figures, const parting::rules& r,
              std::unordered_map<const expr*, parted_node>& out)
      : figures_(figures), rules_(r), places_(r), out_(out) {}

  void visit(const expr& wrapped, order_use use) {
    const expr& e = unwrap_parens(wrapped);
    if (e.type() == value_type::vector && take(e, use))
      return;
    switch (e.kind) {
      case node_kind::unary:
        return visit(*as<unary_expr>(e).operand, of_others(use));
      case node_kind::binary:
        return binary(as<binary_expr>(e), use);
      case node_kind::aggregate:
        return aggregate(as<aggregate_expr>(e), use);
      case node_kind::call:
        return call(as<call_expr>(e), use);
      default:
        return;
    }
  }

 private:
  bool take(const expr& e, order_use use) {
    const place_vector& v = places_.look(e);
    parted_node node;
    node.used = use;
    if (v.apart) {
      node.ordered = v.order == series_order::by_labels;
      if (use == order_use::full && !node.ordered)
        return false;
      if (v.names == metric_names::none)
        node.name = v.name;
      if (v.order == series_order::by_value)
        node.ranked = &as<aggregate_expr>(e);
    } else if (!combined(e, use, node)) {
      return false;
    }
    if (!same_figures(e))
      return false;
    node.root = self_contained(e, rules_.here);
    if (node.merge == part_merge::rank) {
      auto k = std::make_unique<number_literal>();
      k->value = static_cast<double>(node.best + 1);
      as<aggregate_expr>(*node.root).param = std::move(k);
    }
    const bool whole = node.merge == part_merge::unite;
    out_.emplace(&e, std::move(node));
    if (!whole)
      aggregate(as<aggregate_expr>(e), use);
    return true;
  }

  // Aggregations of groups that reach over places, of which the parts say all.
  bool combined(const expr& e, order_use use, parted_node& node) {
    if (e.kind != node_kind::aggregate || use == order_use::full)
      return false;
    const auto& a = as<aggregate_expr>(e);
    if (!places_.look(*a.operand).apart)
      return false;
    switch (a.op) {
      case agg_op::count:
        node.merge = part_merge::count;
        return true;
      case agg_op::min:
        node.merge = part_merge::min;
        return true;
      case agg_op::max:
        node.merge = part_merge::max;
        return true;
      case agg_op::group:
        node.merge = part_merge::group;
        return true;
      case agg_op::topk:
      case agg_op::bottomk:
        node.merge = part_merge::rank;
        node.ranked = &a;
        return few_best(unwrap_parens(*a.param), node.best);
      default:
        return false;
    }
  }
  static bool few_best(const expr& param, size_t& out) {
    constexpr double most = 10'000;
    if (param.kind != node_kind::number)
      return false;
    const double k = as<number_literal>(param).value;
    if (!(k >= 1 && k <= most))
      return false;
    out = static_cast<size_t>(k);
    return true;
  }

  // How histograms are read depends on the functions above the selector: these must be in the part.
  bool same_figures(const expr& e) const {
    const figure_selectors of_part(e);
    const auto below = selectors_in(e);
    return std::all_of(below.begin(), below.end(), [&](const vector_selector* s) {
      return of_part.contains(*s) == figures_.contains(*s);
    });
  }

  // Below a node that gives other values: what it makes zeros of is not known.
  static order_use of_others(order_use use) {
    return use == order_use::none ? use : order_use::full;
  }

  void binary(const binary_expr& e, order_use use) {
    if (!is_set_operator(e.op) && (!is_comparison(e.op) || e.return_bool))
      use = of_others(use);
    const bool filter = e.op == bin_op::land || e.op == bin_op::lunless;
    visit(*e.lhs, use);
    visit(*e.rhs, filter ? order_use::none : use);
  }

  void aggregate(const aggregate_expr& e, order_use use) {
    if (e.param)
      visit(*e.param, order_use::none);
    switch (e.op) {
      case agg_op::count:
      case agg_op::group:
      case agg_op::count_values:
      case agg_op::limit_ratio:
        return visit(*e.operand, use);
      case agg_op::min:
      case agg_op::max:
      case agg_op::quantile:
        return visit(*e.operand, std::max(use, order_use::of_zeros));
      default:
        return visit(*e.operand, order_use::full);
    }
  }

  void call(const call_expr& e, order_use use) {
    const std::string_view name = e.func->name;
    if (name == "info")  // the second argument is no vector of its own
      return visit(*e.args[0], use);
    // These read a selector themselves.
    const bool reads = name == "timestamp" || name == "start_timestamp";
    order_use below = of_others(use);
    if (name == "absent" || name == "scalar")
      below = order_use::none;
    else if (name.starts_with("histogram_"))
      below = order_use::full;
    else if (name.starts_with("label_") || name.starts_with("sort"))
      below = use;
    for (const expr_ptr& arg : e.args) {
      if (arg->type() == value_type::scalar)
        visit(*arg, order_use::none);
      else if (!is_range(*arg) &&
               !(reads && unwrap_parens(*arg).kind == node_kind::vector_selector))
        visit(*arg, below);
    }
  }

  const figure_selectors& figures_;
  const parting::rules& rules_;
  place_view places_;
  std::unordered_map<const expr*, parted_node>& out_;
};

bool may_part(const parting::rules& r) {
  return !r.delayed_names && !r.label.empty() && r.label != metric_name_label &&
         r.label != "__type__" && r.label != "__unit__";
}

}  // namespace

parting::parting(const expr& root, const figure_selectors& figures, const rules& r) {
  if (may_part(r))
    part_finder(figures, r, nodes_).visit(root, order_use::none);
}

}  // namespace troupe::query
