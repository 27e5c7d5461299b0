"""What a suite needs, and all it may import from here: the subject, the judge, the marker for requirements.

    @requirement("BIFROST-PACK-001")
    def test_result_lies_inside_memory(session: Session, judge: Judge) -> None:
        for call in session.calls:
            if call.inside_memory:
                judge.passed(call.case)
            else:
                judge.violation(call.case, export=call.hook, expected="...", got="...", hint="...")

`subject` and `judge` are fixtures of the pytest plugin. A test that ends without a word to the judge counts
as not tested.
"""

from conformance.judging.judge import Judge, requirement
from conformance.judging.subject import Profile, Scope, Subject

__all__ = ["Judge", "Profile", "Scope", "Subject", "requirement"]
