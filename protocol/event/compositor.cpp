#include "protocol/event/compositor.hpp"

#include <algorithm>

namespace beckon::event {

namespace {

bool contains(const std::vector<std::uint16_t>& numbers, std::uint16_t number) {
  return std::ranges::find(numbers, number) != numbers.end();
}

}  // namespace

Compositor::Plan Compositor::plan(const Request& request, const Limits& limits, Time now) const {
  Plan plan;
  if (!request.if_match) {
    plan = plan_initial(request, limits, now);
  } else {
    const Publication* known = find_etag(request.package, *request.if_match);
    if (!known || known->expires <= now) return {.verdict = Plan::Verdict::unknown_etag};
    plan = plan_known(*known, request, now);
  }
  if (plan.verdict != Plan::Verdict::taken || plan.removes || !request.state) return plan;
  if (!fits(request, limits, plan)) return {.verdict = Plan::Verdict::over_quota};
  return plan;
}

Compositor::Plan Compositor::plan_initial(const Request& request, const Limits& limits, Time now) const {
  if (!request.state) return {.verdict = Plan::Verdict::no_body};
  if (request.expires == 0s) return {.removes = true};
  Plan plan{.changes = true,
            .number = unused_number(),
            .device = request.device,
            .expires = now + request.expires,
            .renewed = now};
  for (const Publication& p : publications_) {
    if (p.package != request.package) continue;
    const bool is_same = p.incomplete && request.device != 0 && p.device == request.device;
    const bool may_be =
        p.incomplete || std::ranges::find(request.siblings, p.number) != request.siblings.end();
    if (is_same || (may_be && request.state->supersedes(*p.state))) plan.displaced.push_back(p.number);
  }
  make_room(request, limits, plan);
  return plan;
}

Compositor::Plan Compositor::plan_known(const Publication& known, const Request& request, Time now) const {
  Plan plan{.number = known.number,
            .device = request.device != 0 ? request.device : known.device,
            .expires = now + request.expires,
            .renewed = now};
  if (request.expires == 0s) {
    plan.changes = plan.removes = true;
    return plan;
  }
  if (!request.state && known.incomplete) return {.verdict = Plan::Verdict::unknown_etag};
  plan.changes = request.state != nullptr || plan.device != known.device;
  return plan;
}

void Compositor::make_room(const Request& request, const Limits& limits, Plan& plan) const {
  const auto gives_way_before = [&](const Publication& a, const Publication& b) {
    const auto same = [&](const Publication& p) { return request.device != 0 && p.device == request.device; };
    return same(a) != same(b) ? same(a) : a.renewed < b.renewed;
  };
  for (;;) {
    std::size_t left = 0;
    const Publication* first = nullptr;
    for (const Publication& p : publications_) {
      if (p.package != request.package || contains(plan.displaced, p.number)) continue;
      ++left;
      if (!first || gives_way_before(p, *first)) first = &p;
    }
    if (!first || left < limits.publications) return;
    plan.displaced.push_back(first->number);
  }
}

bool Compositor::fits(const Request& request, const Limits& limits, const Plan& plan) const {
  std::size_t sum = request.size;
  for (const Publication& p : publications_)
    if (p.package == request.package && p.number != plan.number && !contains(plan.displaced, p.number))
      sum += p.size;
  return sum <= limits.size;
}

std::uint16_t Compositor::unused_number() const {
  std::uint16_t number = 1;
  while (find(number)) ++number;
  return number;
}

std::unique_ptr<EventState> Compositor::apply(const Plan& plan, const Request& request, std::uint64_t etag,
                                              std::unique_ptr<EventState> state) {
  for (const std::uint16_t number : plan.displaced) erase(number);
  const auto known = std::ranges::find(publications_, plan.number, &Publication::number);
  if (plan.removes) {
    if (known == publications_.end()) return nullptr;
    state = std::move(known->state);
    publications_.erase(known);
    return state;
  }
  Publication& publication =
      known != publications_.end()
          ? *known
          : publications_.emplace_back(Publication{.number = plan.number, .package = request.package});
  publication.etag = etag;
  publication.device = plan.device;
  publication.expires = plan.expires;
  publication.renewed = plan.renewed;
  if (!state) return nullptr;
  publication.size = request.size;
  publication.incomplete = false;
  std::swap(publication.state, state);
  return state;
}

std::vector<std::uint16_t> Compositor::expired(Time now) const {
  std::vector<std::uint16_t> numbers;
  for (const Publication& p : publications_)
    if (p.expires <= now) numbers.push_back(p.number);
  return numbers;
}

std::optional<Time> Compositor::deadline() const {
  if (publications_.empty()) return std::nullopt;
  return std::ranges::min_element(publications_, {}, &Publication::expires)->expires;
}

bool Compositor::restore(Publication publication, const Limits& limits) {
  const Request request{.package = publication.package, .size = publication.size};
  if (find(publication.number) || !fits(request, limits, {})) return false;
  publications_.push_back(std::move(publication));
  return true;
}

void Compositor::erase(std::uint16_t number) {
  std::erase_if(publications_, [&](const Publication& p) { return p.number == number; });
}

const Publication* Compositor::find_etag(std::uint8_t package, std::uint64_t etag) const {
  const auto found = std::ranges::find_if(
      publications_, [&](const Publication& p) { return p.package == package && p.etag == etag; });
  return found == publications_.end() ? nullptr : &*found;
}

const Publication* Compositor::find(std::uint16_t number) const {
  const auto found = std::ranges::find(publications_, number, &Publication::number);
  return found == publications_.end() ? nullptr : &*found;
}

}  // namespace beckon::event
