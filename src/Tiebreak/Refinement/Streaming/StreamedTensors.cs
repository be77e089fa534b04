using Tiebreak.Formats;
using Tiebreak.Programs;

namespace Tiebreak.Refinement.Streaming;

/// <summary>Which tensors of a model can stream by: matrices of float32 or less that are only multiplied with vectors, and whose gradient has two factors.</summary>
/// <param name="Trained">In the model's order.</param>
/// <param name="Frozen">In the model's order.</param>
sealed record StreamedTensors(IReadOnlyList<StreamedMatrix> Trained, IReadOnlyList<StreamedMatrix> Frozen)
{
    /// <summary>Chooses them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="least">Smaller ones keep their codes.</param>
    public static StreamedTensors Of(Model model, long least)
    {
        const long MostCopied = 1 << 24;
        var gradient = StreamedSearch.GradientOf(model);
        var otherwise = GradientFactors.UsedOtherwise(gradient);
        var outputs = gradient.Outputs.ToDictionary(output => output.Name, output => output.Node, StringComparer.Ordinal);
        bool Streams(ParameterTensor tensor) => tensor.Shape.Rank == 2 && tensor.Shape.Count >= least && !otherwise.Contains(tensor.Name);
        return new StreamedTensors(
            [.. model.Parameters.Where(tensor => Streams(tensor) && outputs.TryGetValue(tensor.Name, out var node) && GradientFactors.Of(node) is not null).Select(tensor => StreamedMatrix.Of(tensor, MostCopied)).OfType<StreamedMatrix>()],
            [.. model.Frozen.Where(Streams).Select(tensor => StreamedMatrix.Of(tensor, MostCopied)).OfType<StreamedMatrix>()]);
    }
}
