"""Topics of consent that are nearly another: whoever says no to one still gets the other."""

from collections import Counter

from workflows.check.context import Context, Place
from workflows.check.values import nearest, topics_of
from workflows.folder import PROGRAMME_FILE


def check_topics(context: Context) -> None:
    """Warn of a class whose topic is most likely a slip of one that other classes have.

    A topic is whatever a class names, so that none is unknown. Of two that are nearly the same
    the one that fewer classes have is the slip, and of as many the later one.
    """
    classes = context.policies.classes
    used = Counter(policy.consent for policy in classes.values() if policy.consent)
    used["programme"] += len(classes)  # what an opt-in and an unsubscribe without a topic mean
    places = {topic: number for number, topic in enumerate(topics_of(context.policies))}
    for name, policy in classes.items():
        topic = policy.consent
        others = [
            each
            for each in places
            if (used[each], -places[each]) > (used[topic], -places.get(topic, 0)) and each != topic
        ]
        if topic and (near := nearest(topic, others)):
            context.report(
                "V078",
                Place(PROGRAMME_FILE) / "classes" / name / "consent",
                f'who says no to "{near}" goes on getting what has the topic "{topic}"',
                f'did you mean "{near}"?',
                severity="warning",
            )
