using Tiebreak.Numbers;

namespace Tiebreak.Evaluation;

/// <summary>Gates whose value is known by order (theory §4): for each such node what its elements are, one entry for all or one for each.</summary>
sealed class GateDecisions
{
    /// <summary>Not known: left to the oracle.</summary>
    public const sbyte Open = sbyte.MinValue;

    readonly Dictionary<int, sbyte[]> _values = [];

    /// <summary>Whether nothing is known.</summary>
    public bool IsEmpty => _values.Count == 0;

    /// <summary>Takes the values of a node: 0, 1, −1 or <see cref="Open"/>.</summary>
    public void Add(int node, sbyte[] values)
    {
        if (values.AsSpan().ContainsAnyExcept(Open)) _values.Add(node, values);
    }

    /// <summary>Writes what is known over what an oracle drew.</summary>
    public unsafe void Apply<TField>(int node, TField field, ulong* values, long count) where TField : struct, IField
    {
        if (!_values.TryGetValue(node, out var known)) return;
        for (long i = 0; i < count; i++)
        {
            var value = known[known.Length == 1 ? 0 : i];
            if (value == Open) continue;
            values[i] = value == 0 ? 0UL : value > 0 || typeof(TField) == typeof(ZeroPattern) ? 1UL : field.Modulus - 1;
        }
    }
}
