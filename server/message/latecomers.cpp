#include "server/message/latecomers.hpp"

#include <utility>

namespace beckon::server::message {

Latecomers::Latecomers(Boxes& boxes, Attempts& attempts, Clock& clock)
    : boxes_(boxes), attempts_(attempts), clock_(clock) {
  constexpr std::size_t usual = 64;  // silent devices at a time
  taken_.reserve(usual);
}

void Latecomers::add(const RequestPtr& request) {
  taken_.try_emplace(request->id, Taken{.request = request});
}

void Latecomers::on_stored(const Request& request, std::uint64_t number) {
  const auto found = taken_.find(request.id);
  if (found == taken_.end()) return;
  Taken& taken = found->second;
  taken.number = number;
  const auto refusals = std::exchange(taken.refusals, {});
  if (number != 0) {
    if (!taken.has_ended) boxes_.begin_copy(*request.resource, number);
    for (const Refusal& refusal : refusals) note(*request.resource, number, refusal);
  }
  end_if_known(request);
}

void Latecomers::on_refusal(const Request& request, Refusal refusal) {
  const auto found = taken_.find(request.id);
  if (found == taken_.end()) return;
  Taken& taken = found->second;
  if (!taken.number) return taken.refusals.push_back(std::move(refusal));
  if (*taken.number != 0) note(*request.resource, *taken.number, refusal);
}

/// Of a message that is stored.
void Latecomers::note(Entry& user, std::uint64_t number, const Refusal& refusal) {
  if (refusal.may_take_later) attempts_.pause(user, refusal.device, number, clock_.now());
  boxes_.settle(user, refusal.device, number, Verdict::later);
}

void Latecomers::on_end(const Request& request, int status, std::string device) {
  Taken& taken = taken_.at(request.id);
  taken.has_ended = true;
  if (status >= 600) taken.verdict = Verdict::rejected;
  if (!device.empty()) {
    taken.verdict = Verdict::accepted;
    taken.device = std::move(device);
  }
  end_if_known(request);
}

/// Once it is stored and the devices have answered, whichever comes first.
void Latecomers::end_if_known(const Request& request) {
  const Taken taken = taken_.at(request.id);
  if (!taken.number || !taken.has_ended) return;
  taken_.erase(request.id);
  if (*taken.number == 0) return;
  boxes_.end_copy(*request.resource, *taken.number);
  if (taken.verdict != Verdict::later)
    boxes_.settle(*request.resource, taken.device, *taken.number, taken.verdict);
}

}  // namespace beckon::server::message
