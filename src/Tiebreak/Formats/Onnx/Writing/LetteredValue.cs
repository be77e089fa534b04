using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>A value whose axes have letters, so that they can be put in another order and taken together.</summary>
/// <param name="Name">The value.</param>
/// <param name="Letters">One letter for each axis.</param>
/// <param name="Sizes">The size of each letter, here or elsewhere.</param>
readonly record struct LetteredValue(string Name, string Letters, IReadOnlyDictionary<char, int> Sizes)
{
    /// <summary>The axes' sizes.</summary>
    public Shape Shape => ShapeOf(Letters);

    /// <summary>The same numbers without the axes of size 1.</summary>
    public LetteredValue Narrow(GraphBuilder graph)
    {
        var (sizes, letters) = (Sizes, Letters);
        var wide = string.Concat(letters.Where(letter => sizes[letter] > 1));
        return this with { Name = graph.Reshape(Name, Shape, ShapeOf(wide)), Letters = wide };
    }

    /// <summary>The same numbers with the axes in another order.</summary>
    public LetteredValue Ordered(GraphBuilder graph, string order)
    {
        var letters = Letters;
        return this with { Name = graph.Transpose(Name, [.. order.Select(letter => letters.IndexOf(letter))]), Letters = order };
    }

    /// <summary>The shape of axes with these letters.</summary>
    public Shape ShapeOf(string letters)
    {
        var sizes = Sizes;
        return new Shape([.. letters.Select(letter => sizes[letter])]);
    }

    /// <summary>The number of elements along axes with these letters.</summary>
    public int Size(string letters) => (int)ShapeOf(letters).Count;
}
