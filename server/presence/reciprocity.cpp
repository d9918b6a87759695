#include "server/presence/reciprocity.hpp"

#include "protocol/base/text.hpp"
#include "server/presence/presentities.hpp"

namespace beckon::server::presence {

/// The watch refers to the name.
struct Reciprocity::Answered : OwnerName, Watch {
  Answered(Watches& watches, Entry& watcher, const std::string& its_owner, Sink& sink)
      : OwnerName{its_owner}, Watch(watches, watcher, owner, sink, Watch::Kind::asked_back) {}
};

Reciprocity::Reciprocity(Environment& environment, Peers& peers, Watches& watches, OnTold on_told)
    : environment_(environment), peers_(peers), watches_(watches), on_told_(std::move(on_told)) {}

Reciprocity::~Reciprocity() = default;

// At the bucket of the rules' owner

std::optional<bool> Reciprocity::lets_see(const Entry& owner, std::string_view watcher) const {
  if (!environment_.settings().serves(domain_of_aor(watcher))) return false;
  const auto found = asked_.find({owner.aor(), std::string(watcher)});
  return found == asked_.end() ? std::nullopt : found->second;
}

/// Never refused: there are no more questions than watches.
void Reciprocity::ask(const Entry& owner, std::string_view watcher) {
  if (watcher == owner.aor() || !environment_.settings().serves(domain_of_aor(watcher))) return;
  if (!asked_.try_emplace({owner.aor(), std::string(watcher)}).second) return;
  peers_.post_back<Presentities>(bucket_of(watcher), AskBack{owner.aor(), std::string(watcher)});
}

void Reciprocity::forget(const Entry& owner, std::string_view watcher) {
  if (asked_.empty() || asked_.erase({owner.aor(), std::string(watcher)}) == 0) return;
  peers_.post_back<Presentities>(bucket_of(watcher), AskBack{owner.aor(), std::string(watcher), false});
}

void Reciprocity::on(TellBack answer, Bucket, Now now) {
  const auto asked = asked_.find({answer.owner, answer.watcher});
  if (asked == asked_.end() || asked->second == answer.lets_see) return;
  asked->second = answer.lets_see;
  if (const EntryPtr owner = environment_.directory().find(answer.owner))
    on_told_(*owner, answer.watcher, now);
}

// At the bucket of the watcher

void Reciprocity::on(AskBack question, Bucket, Now now) {
  const Pair pair{question.owner, question.watcher};
  const auto known = answered_.find(pair);
  if (!question.goes_on) {
    if (known == answered_.end()) return;
    watches_.end(*known->second, now);
    answered_.erase(known);
    return;
  }
  if (known != answered_.end()) return tell(*known->second);
  const EntryPtr watcher = environment_.directory().get(question.watcher);
  Sink& sink = *this;
  auto made = std::make_unique<Answered>(watches_, *watcher, question.owner, sink);
  watches_.begin(*made, now);
  watches_.follow(*made, now);
  tell(*made);
  answered_.emplace(pair, std::move(made));
}

void Reciprocity::on_view(Watch& watch, const View& before, Now) {
  if (watch.view().permission != before.permission) tell(static_cast<Answered&>(watch));
}

void Reciprocity::tell(const Answered& answered) {
  peers_.post_back<Presentities>(
      bucket_of(answered.owner),
      TellBack{answered.owner, answered.presentity().aor(), answered.view().permission == Permission::allow});
}

}  // namespace beckon::server::presence
