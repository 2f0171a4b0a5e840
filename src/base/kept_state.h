// State that outlives the configuration which asked for it: counters, breakers, cached answers. A table that is built
// asks for it by name; as long as an older table, or anybody else, still holds what has that name, it is the same one.
// So a reload keeps what did not change, and what nobody names any more goes with the last table that did.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace vg {

/// Thread: one at a time, at load. The states say theirs.
class KeptState {
 public:
  KeptState() = default;
  KeptState(const KeptState&) = delete;

  /// The state of this type called `name`; `make()`, a shared_ptr<T>, where nobody holds one. `name` says all whose
  /// change makes it another state: its place in the configuration, and those of its settings that can't be changed in
  /// place.
  template <typename T, typename Make>
  std::shared_ptr<T> get(const std::string& name, const Make& make) {
    std::weak_ptr<void>& known = states_[{typeid(T).name(), name}];
    if (std::shared_ptr<void> held = known.lock()) return std::static_pointer_cast<T>(held);
    std::shared_ptr<T> made = make();
    known = made;
    return made;
  }
  /// The state that is held under this name; nullptr: nobody asked for one.
  template <typename T>
  std::shared_ptr<T> find(const std::string& name) const {
    const auto found = states_.find({typeid(T).name(), name});
    return found == states_.end() ? nullptr : std::static_pointer_cast<T>(found->second.lock());
  }
  /// Forgets the names of what has gone.
  void sweep() {
    std::erase_if(states_, [](const auto& s) { return s.second.expired(); });
  }

 private:
  std::map<std::pair<std::string, std::string>, std::weak_ptr<void>> states_;
};

}  // namespace vg
