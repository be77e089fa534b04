using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Evaluation;

/// <summary>Values of a data leaf that nobody supplies: free random field elements; of a distribution they sum to 1 along the last axis.</summary>
readonly struct DrawnData(ulong seed, Primitive.Data data)
{
    readonly RandomFunction _random = new(seed, RandomFunction.Purpose($"{data.Kind} {data.Name}"));

    /// <summary>Draws a stretch.</summary>
    public void Fill<TField>(TField field, long start, Span<ulong> values) where TField : struct, IField
    {
        for (var i = 0; i < values.Length; i++) values[i] = typeof(TField) == typeof(ZeroPattern) ? 1 : _random.Below(field.Modulus, (ulong)(start + i));
    }

    /// <summary>Makes distributions of what was drawn.</summary>
    public unsafe View Complete<TField>(TField field, View view) where TField : struct, IField
    {
        if (data.Kind != DataKind.Distribution || typeof(TField) == typeof(ZeroPattern) || view.Shape.Count == 0) return view;
        var width = view.Shape[view.Shape.Rank - 1];
        for (long row = 0; row < view.Shape.Count; row += width)
        {
            ulong others = 0;
            for (var i = 0; i < width - 1; i++) others = field.Add(others, view.Start[row + i]);
            view.Start[row + width - 1] = field.Subtract(1, others);
        }

        return view;
    }
}
