#pragma once

#include <string_view>
#include <vector>

#include "server/registrar/binding.hpp"
#include "server/registrar/update.hpp"
#include "server/shard/flow_index.hpp"
#include "server/shard/gruu.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::registrar {

/// The bindings of one shard's addresses-of-record (RFC 3261 10), a part of each entry. A REGISTER is a step
/// of the entry's sequence; an expiry or a closed connection is a fact.
class Registrar final : public Room, public Keeper {
 public:
  /// Both outlive it.
  Registrar(Services& services, const Gruus& gruus);

  /// Observers outlive the registrar's last call; usually other rooms of the same shard.
  void observe(BindingsObserver& observer) { observers_.push_back(&observer); }

  /// All bindings, suspended ones too. The AOR is canonical and of a bucket of this shard.
  const std::vector<Binding>& bindings(const Entry& entry) const;
  const std::vector<Binding>& bindings(std::string_view aor) const;
  /// That of the device that registered over the connection, or from the address, where `from` is; null:
  /// none.
  const Binding* binding_at(const Entry& entry, const transaction::Hop& from) const;
  /// Where a request can go now: bindings that are neither suspended nor run out. The device with the best q
  /// comes first; the bindings of one device follow each other, the most recently refreshed first, and are to
  /// be tried in this order (RFC 5626 7).
  std::vector<Binding> targets(const Callee& callee, Now now) const;
  std::vector<Binding> targets(std::string_view aor, Now now) const {
    return targets(Callee{.aor = std::string(aor)}, now);
  }
  /// False for a temporary GRUU that is valid no more. Whether a user exists is not known here.
  bool is_valid(const Callee& callee) const;
  /// Whom a URI in a served domain is for; nothing for a `gr` that is none of ours.
  std::optional<Callee> callee_of(const sip::UriView& uri) const { return gruus_.read(uri); }
  /// The latest temporary GRUU of the device of `binding`; empty where it has none.
  std::string temporary_gruu(std::string_view aor, const Binding& binding, const Update::View& all) const;
  /// A request found that the flow to that binding is gone (RFC 5626 7): the binding ends, unless a REGISTER
  /// has come for it since.
  void on_flow_failed(const std::string& aor, const Binding& binding);
  /// Addresses-of-record with a binding.
  std::size_t size() const { return size_; }
  /// Bindings of all of them, suspended ones too.
  std::size_t binding_count() const { return binding_count_; }

  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  void reload(Entry& entry, const store::Held& held, Now now) override;
  std::vector<Table> tables(Now now) const override;

 private:
  struct Bindings;
  class Register;
  class Fact;

  void apply(Entry& entry, const Update& update, Now now);
  void announce(Entry& entry, const Update& update, Now now);
  void add_to(Entry& entry, Binding binding);
  void arm(Entry& entry, Bindings& part);
  void drop_if_empty(Entry& entry);
  bool end_flow(transaction::FlowId flow, Slice& slice);
  std::unique_ptr<store::Step> flow_end(Entry& entry, transaction::FlowId flow);
  void describe();
  void add_gruus(std::string& value, const Binding& binding, const Update::View& all,
                 std::string_view aor) const;
  std::string answer_to(const Request& request, const std::vector<Binding>& before, const Update& update,
                        Now now) const;
  std::string refusal_of(const Request& request, const Update& update) const;

  Services& services_;
  const Gruus& gruus_;
  std::string supported_;  ///< Value of that header in a 200.
  Slot<Bindings> slot_;
  std::vector<BindingsObserver*> observers_;
  FlowIndex flows_;
  FlowRounds closing_;
  std::size_t size_ = 0, binding_count_ = 0;
  Timer grace_;
};

}  // namespace beckon::server::registrar
