using Tiebreak.Formats.Onnx.Lowering;

namespace Tiebreak.Formats.Onnx;

/// <summary>What each parameter does and what its axes mean, as the operators that use it say. The first use that says something counts.</summary>
sealed class ParameterRoles(IReadOnlyDictionary<string, int> ranks)
{
    readonly Dictionary<string, (ParameterRole Role, AxisMeaning[] Meanings)> _known = new(StringComparer.Ordinal);

    /// <summary>Records a use; the meanings are those of the view's axes.</summary>
    public void Note(WeightView view, ParameterRole role, ReadOnlySpan<AxisMeaning> meanings)
    {
        if (_known.TryGetValue(view.Name, out var known) && (known.Role != ParameterRole.Other || role == ParameterRole.Other)) return;
        var own = new AxisMeaning[ranks[view.Name]];
        for (var axis = 0; axis < view.Axes.Length && axis < meanings.Length; axis++)
            if (view.Axes[axis] >= 0) own[view.Axes[axis]] = meanings[axis];
        _known[view.Name] = (role, own);
    }

    /// <summary>What is known of a parameter.</summary>
    public (ParameterRole Role, IReadOnlyList<AxisMeaning> Meanings) Of(string name) =>
        _known.TryGetValue(name, out var known) ? (known.Role, Array.TrueForAll(known.Meanings, meaning => meaning == AxisMeaning.Other) ? [] : known.Meanings) : (ParameterRole.Other, []);
}
