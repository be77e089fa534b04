using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Repairs;

/// <summary>Holds what was written against what should have been.</summary>
static class ReadBack
{
    const int Block = 1 << 14;

    /// <summary>Compares all tensors, number by number.</summary>
    /// <param name="expected">The model as it should be.</param>
    /// <param name="written">The model read from the new file.</param>
    /// <param name="dropped">Tensors that may be gone.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="TiebreakException">A number is another one; nothing of the file is to be kept then.</exception>
    public static void Verify(Model expected, Model written, IReadOnlyCollection<string> dropped, CancellationToken cancellation)
    {
        var found = written.Parameters.Concat(written.Frozen).ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
        foreach (var tensor in expected.Parameters.Concat(expected.Frozen))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!found.TryGetValue(tensor.Name, out var now))
            {
                if (dropped.Contains(tensor.Name, StringComparer.Ordinal)) continue;
                throw new TiebreakException($"the new model lacks `{tensor.Name}`, so it is not kept; please report this model");
            }

            if (now.Shape != tensor.Shape || !AreEqual(tensor.Start, now.Start)) throw new TiebreakException($"`{tensor.Name}` does not read back as it was meant, so the new model is not kept; do two tensors share its numbers in the file?");
        }
    }

    static bool AreEqual(ExactTensor one, ExactTensor other)
    {
        if (one is UniformTensor a && other is UniformTensor b) return a.Equals(b);
        if (one.HasDoubles != other.HasDoubles) return false;
        if (!one.HasDoubles)
        {
            for (long k = 0; k < one.Count; k++)
                if (one[k] != other[k]) return false;
            return true;
        }

        double[] left = new double[Block], right = new double[Block];
        for (long start = 0; start < one.Count; start += Block)
        {
            var count = (int)Math.Min(Block, one.Count - start);
            one.ReadDoubles(start, left.AsSpan(0, count));
            other.ReadDoubles(start, right.AsSpan(0, count));
            for (var k = 0; k < count; k++)
                if (left[k] != right[k] && !(double.IsNaN(left[k]) && double.IsNaN(right[k]))) return false;
        }

        return true;
    }
}
